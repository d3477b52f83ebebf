// A text whose `backticked` words are code: the only markup translated texts may carry.
import { html } from '../lib/ui.js';

export const Rich = ({ text }) => text.split('`').map((piece, at) => (at % 2 ? html`<code>${piece}</code>` : piece));

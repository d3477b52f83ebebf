// What the page cannot be drawn without, asked for while the other modules are still arriving: the texts and this
// page's signature. The page loads this with `async`, so it runs as soon as it is here.
import '../lib/language.js';
import { get } from '../lib/api.js';

/** The request for a signature of this page's own address, exactly as it stands in the address bar. */
export const question = () => `/jsapi?url=${encodeURIComponent(window.location.href)}`;

export const firstAnswer = get(question());

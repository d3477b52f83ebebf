// The four pages of the site. Plain links: on a phone below, on wide screens under the top bar.
import { html } from '../lib/ui.js';
import { t } from '../lib/i18n.js';
import { Icon } from './inline.js';

const TABS = [
  ['sign', 'signature', '/'], ['me', 'user', '/h5/#/me'],
  ['sessions', 'monitor-smartphone', '/h5/#/sessions'], ['rooms', 'messages-square', '/h5/#/rooms'],
];

export const TabBar = ({ current }) => html`
  <nav class="tabbar" aria-label=${t('tabs')}>
    <ul>${TABS.map(([name, icon, href]) => html`
      <li key=${name}><a href=${href} data-tab=${name} aria-current=${name === current ? 'page' : null}>
        <${Icon} name=${icon} /><span>${t(`tab.${name}`)}</span></a></li>`)}</ul>
  </nav>`;

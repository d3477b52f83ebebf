// Starts the H5 page: the question to the gateway and the texts side by side, then the page.
import { html, render } from '../lib/ui.js';
import { start as loadTexts } from '../lib/i18n.js';
import { TabBar } from '../parts/tabbar.js';
import { TopBar } from '../parts/topbar.js';
import { insideWeChat } from './device.js';
import { SignPage } from './pages/sign.js';
import { start as startSigning } from './sign/model.js';

const Page = () => html`<${TopBar} simulated=${!insideWeChat} /><${TabBar} current="sign" /><${SignPage} />`;

startSigning();
loadTexts().then(() => render(html`<${Page} />`, document.getElementById('app')));

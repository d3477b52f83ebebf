// The known causes of `invalid signature` and its neighbours, as a list to look things up in.
import { html } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { Icon, Rich } from '../../parts/inline.js';
import { mistake } from './model.js';

/** Which cause each mistake of "Break it" is an example of. */
const EXAMPLE_OF = { hash: 1, query: 1, spelling: 2, ticket: 3, time: 2 };
const CAUSES = [1, 2, 3, 4, 5, 6];
/** WeChat's own words; they are never translated. */
const NEIGHBOURS = [
  ['invalid url domain', 'causes.domain'],
  ['the permission value is offline verifying', 'causes.verifying'],
  ['permission denied / function not exist', 'causes.denied'],
];

export function Causes() {
  const current = EXAMPLE_OF[mistake.value];
  return html`
    <section class="card padded causes" aria-labelledby="causes-heading">
      <h2 id="causes-heading"><${Icon} name="info" />${t('causes.heading')}</h2>
      <ol>${CAUSES.map((cause) => html`
        <li key=${cause} class=${cause === current ? 'current' : ''}>
          <details><summary>${t(`causes.${cause}`)}<${Icon} name="chevron-down" /></summary>
            <p><${Rich} text=${t(`causes.${cause}.text`)} /></p></details>
        </li>`)}</ol>
      <h3>${t('causes.other')}</h3>
      <dl class="facts">${NEIGHBOURS.map(([words, key]) => html`
        <dt key=${words}><code>${words}</code></dt><dd key=${key}><${Rich} text=${t(key)} /></dd>`)}</dl>
    </section>`;
}

/** One evaluation: its progress, then its figures, its findings in words, and the worst of it. */

import { html, useState } from "./preact.js";
import { Heading, Loading, Notice, Problem, Progress, Question, Status } from "./parts.js";
import { Bars } from "./pictures.js";
import { usePolled } from "./polling.js";
import { go, to } from "./routes.js";
import { Sentences, Utterances } from "./sentences.js";
import { ask, encoded } from "./service.js";
import { capital, counted, duration, moment, percent, shortLabels } from "./wording.js";

const OPEN = ["waiting", "processing"];
const MOST_CONFUSED = 12;

export function Evaluation({ path: [id] }) {
  const path = `evaluations/${encoded(id)}`;
  const { value, error, again } = usePolled(path, (one) => (OPEN.includes(one.status) ? 1.5 : 600));
  const [leaving, setLeaving] = useState(false);
  const crumb = html`<p class="crumb"><a href=${to("tests")}>Tests</a></p>`;
  if (!value) {
    return html`${crumb}${error ? html`<${Heading} title="Evaluation" /><${Problem} error=${error} again=${again} />` : html`<${Loading} what="the evaluation" />`}`;
  }
  return html`
    <div class="head">
      <div>
        ${crumb}
        <div class="title"><${Heading} title=${value.name || "Evaluation"} /><${Status} of=${value.status} /></div>
        <p class="quiet small">${moment(value.created)}</p>
      </div>
      <button type="button" class="danger" onClick=${() => setLeaving(true)}>Delete …</button>
    </div>
    ${value.status === "failed" && html`<${Notice} kind="bad"><p>${value.error}</p><//>`}
    <${Results} evaluation=${value} />
    ${leaving &&
    html`<${Question}
      title="Delete this evaluation?"
      answer="Delete"
      danger
      work=${async () => {
        await ask("DELETE", path);
        go("tests");
      }}
      onClose=${() => setLeaving(false)}
    >
      <p>Its figures are deleted for good. Models, recordings and test sets stay.</p>
    <//>`}
  `;
}

/** What is known of an evaluation of either kind. */
export function Results({ evaluation }) {
  const { status, progress, results, kind, evaluation_id: id } = evaluation;
  if (OPEN.includes(status)) {
    return html`<section class="card" aria-label="Progress">
      <${Progress} label="Progress of the evaluation" percent=${progress} />
      <p class="quiet small">${status === "waiting" ? "Waiting for its turn …" : `Recognising: ${progress} %`}</p>
    </section>`;
  }
  if (!results) return null;
  return kind === "comparison" ? html`<${Compared} id=${id} results=${results} />` : html`<${Measured} id=${id} results=${results} />`;
}

const Sentence = ({ of }) => html`<ul class="tight prose">${of.map((sentence) => html`<li key=${sentence}>${capital(sentence)}</li>`)}</ul>`;

function Compared({ id, results }) {
  return html`
    <section class="card">
      <h2>${counted(results.changed, "sentence")} of ${results.sentences_total} changed</h2>
      <${Sentence} of=${results.words} />
      ${results.limits?.length > 0 && html`<details><summary>What this does not show</summary><${Sentence} of=${results.limits} /></details>`}
    </section>
    <h2>What changed</h2>
    <${Sentences} id=${id} results=${results} />
  `;
}

function Measured({ id, results }) {
  const what = results.unit === "characters" ? "Characters" : "Words";
  const models = results.models;
  const labels = shortLabels(models);
  return html`
    <div class="columns even">
      <section class="card">
        <${Bars}
          title="${what} wrong"
          most=${Math.max(0.05, 1.1 * Math.max(...models.map((one) => one.interval?.[1] ?? one.word_error_rate)))}
          bars=${models.map((one, at) => ({
            name: labels[at],
            value: one.word_error_rate,
            interval: one.interval,
            said: percent(one.word_error_rate, 1),
            fill: at ? "fill-accent" : "fill-before",
          }))}
        />
        <p class="hint">
          ${counted(results.utterances_total, "utterance")}, ${duration(results.duration)}. Fewer is better. The lines show where
          the figure lies for 95 % of sets like this one.
        </p>
      </section>
      <section class="card"><h2>What it says</h2><${Sentence} of=${results.words} /></section>
    </div>
    <section class="card">
      <div class="wide" tabindex="0" role="region" aria-label="Errors in figures">
        <table>
          <caption>Errors in figures</caption>
          <thead>
            <tr><th scope="col">Model</th><th scope="col">Rate</th><th scope="col">Wrong</th><th scope="col">Missing</th><th scope="col">Extra</th><th scope="col">${what}</th></tr>
          </thead>
          <tbody>
            ${models.map(
              (one, at) => html`<tr key=${one.label}>
                <th scope="row" title=${one.label}>${labels[at]}</th>
                <td class="number">${percent(one.word_error_rate, 1)}</td>
                <td class="number">${one.substitutions}</td>
                <td class="number">${one.deletions}</td>
                <td class="number">${one.insertions}</td>
                <td class="number">${one.words}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <details>
        <summary>Words that are confused most</summary>
        <div class="columns">${models.map((one, at) => html`<${Confusions} key=${one.label} model=${one} label=${labels[at]} />`)}</div>
      </details>
      <details><summary>How texts are compared</summary><p class="prose small">${results.normalisation}</p></details>
    </section>
    <h2>Utterances, the worst first</h2>
    <${Utterances} id=${id} results=${results} />
  `;
}

function Confusions({ model, label }) {
  const { substitutions = [], deletions = [], insertions = [] } = model.confusions ?? {};
  const rows = [
    ...substitutions.map((one) => [`${one.reference} → ${one.recognized}`, one.count]),
    ...deletions.map((one) => [`${one.word} (missing)`, one.count]),
    ...insertions.map((one) => [`${one.word} (extra)`, one.count]),
  ].sort((a, b) => b[1] - a[1]);
  return html`<div>
    <h3>${label}</h3>
    ${rows.length
      ? html`<ul class="tight small members">${rows.slice(0, MOST_CONFUSED).map(([text, count]) => html`<li key=${text}>${text}: ${count} times</li>`)}</ul>`
      : html`<p class="small quiet">No errors.</p>`}
  </div>`;
}

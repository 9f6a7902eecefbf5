/** Sentences that two models heard differently, most changed first, with the audio to play. */

import { html, useState } from "./preact.js";
import { Player } from "./player.js";
import { counted, percent, shortLabels } from "./wording.js";

const MOST_SHOWN = 20;

/** Return a run of `marked` as `[words, differs]`; `side`: first | second. */
const side = (marked, name) => marked.map((run) => [run[name], run.op !== "equal"]).filter(([text]) => text);

const Runs = ({ runs }) => runs.map(([text, differs], at) => html`${at ? " " : ""}${differs ? html`<mark>${text}</mark>` : text}`);

const sure = (confidence) => (typeof confidence === "number" ? `, ${percent(confidence)} sure` : "");

/** `results` are those of a comparison; `id` is the evaluation's. */
export function Sentences({ id, results }) {
  const [most, setMost] = useState(MOST_SHOWN);
  const { sentences } = results;
  const labels = shortLabels(results.models);
  if (!sentences.length) return html`<p>Both models heard the same words everywhere.</p>`;
  return html`<ul class="list">
      ${sentences.slice(0, most).map(
        (one) => html`<li key=${one.number}>
          <p class="small quiet">
            ${[one.recording, one.member].filter(Boolean).join(" / ")} · ${one.start_s.toFixed(1)} s to ${one.end_s.toFixed(1)} s ·${" "}
            ${counted(one.changed_words, "word")} changed
          </p>
          <${Player} path="evaluations/${id}/audio/${one.number}" name="${one.recording} at ${one.start_s.toFixed(1)} s" />
          <div class="sentence all">
            ${["first", "second"].map(
              (name, at) => html`<div key=${name}>
                <p class="small quiet">${labels[at]}${sure(one.confidences[at])}</p>
                <p>${one.texts[at] ? html`<${Runs} runs=${side(one.marked, name)} />` : html`<span class="quiet">nothing was heard</span>`}</p>
              </div>`,
            )}
          </div>
        </li>`,
      )}
    </ul>
    ${sentences.length > most && html`<button type="button" onClick=${() => setMost(most + MOST_SHOWN)}>Show more</button>`}`;
}

/** One utterance of a test set: what was said, and what each model made of it. */
export function Utterances({ id, results }) {
  const [most, setMost] = useState(MOST_SHOWN);
  const { utterances } = results;
  const labels = shortLabels(results.models);
  return html`<ul class="list">
      ${utterances.slice(0, most).map(
        (one) => html`<li key=${one.number}>
          <div class="tight">
            <p class="small quiet">${one.file}${typeof one.start_s === "number" ? ` · ${one.start_s.toFixed(1)} s` : ""}</p>
            <p>${one.reference}</p>
          </div>
          <${Player} path="evaluations/${id}/audio/${one.number}" name=${one.file} />
          <div class="sentence all">
            ${one.models.map(
              (heard, at) => html`<div key=${at}>
                <p class="small quiet">${labels[at]}: ${counted(heard.errors, "error")}${sure(heard.confidence)}</p>
                <p>${heard.marked.map((run, place) => html`${place ? " " : ""}<${Run} run=${run} />`)}</p>
              </div>`,
            )}
          </div>
        </li>`,
      )}
    </ul>
    ${utterances.length > most && html`<button type="button" onClick=${() => setMost(most + MOST_SHOWN)}>Show more</button>`}`;
}

function Run({ run }) {
  switch (run.op) {
    case "equal":
      return run.recognized || run.reference;
    case "deleted":
      return html`<del>${run.reference}</del>`;
    case "inserted":
      return html`<ins>${run.recognized}</ins>`;
    default:
      return html`<mark>${run.recognized}</mark>${" "}<span class="quiet small">(said: ${run.reference})</span>`;
  }
}

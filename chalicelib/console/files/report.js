/** What the last training has done, in sentences and pictures. */

import { html } from "./preact.js";
import { Empty, Loading, Problem } from "./parts.js";
import { Bars, Parts, Shares } from "./pictures.js";
import { usePolled } from "./polling.js";
import { capital, duration, percent } from "./wording.js";

const MOST_SHOWN = 100;

/** `path` is that of the model, or of one of its versions. */
export function Report({ path }) {
  const { value: report, error, again } = usePolled(`${path}/report`, () => 20);
  if (error?.status === 404) {
    return html`<${Empty} title="No report yet">
      <p>When a training has ended, this page says what it learned from, what it left out, and what that brought.</p>
    <//>`;
  }
  if (!report) return error ? html`<${Problem} error=${error} again=${again} />` : html`<${Loading} what="the report" />`;
  return html`<${Told} report=${report} />`;
}

export function Told({ report }) {
  const kept = report.decision === "base";
  return html`
    <div class="tight">
      <h2>${kept ? "The base model is kept" : "The model has learned, and what it learned is used"}</h2>
      <p class="quiet prose">${capital(report.reason ?? "")}</p>
    </div>
    <div class="columns even">
      <section class="card"><${Minutes} report=${report} /></section>
      <section class="card"><${Confidence} report=${report} /></section>
      <${Alpha} report=${report} />
      <${Ordinary} report=${report} />
    </div>
    <section class="card">
      <h2>In words</h2>
      <ul class="tight prose">
        ${(report.summary ?? []).map((sentence) => html`<li key=${sentence}>${sentence}</li>`)}
      </ul>
    </section>
    <${LeftOut} pieces=${report.left_out ?? []} />
  `;
}

const spanned = (piece) => (piece.start_s === null || piece.end_s === null ? 0 : piece.end_s - piece.start_s);

function Minutes({ report }) {
  const audio_s = report.audio_s ?? 0;
  const used_s = Math.min(report.used_s ?? 0, audio_s);
  const held_s = Math.min(report.held_out?.audio_s ?? 0, audio_s - used_s);
  const left_s = Math.max(0, audio_s - used_s - held_s);
  return html`<${Parts}
    title="What became of ${duration(audio_s)} of audio"
    parts=${[
      { name: "Learned from", value: used_s, said: duration(used_s), fill: "fill-accent" },
      { name: "Kept aside to judge it", value: held_s, said: duration(held_s), fill: "fill-before" },
      { name: "Taught nothing", value: left_s, said: duration(left_s), fill: "fill-line" },
    ]}
  />`;
}

function Confidence({ report }) {
  const before = report.held_out?.before?.mean_posterior;
  const after = report.held_out?.after?.mean_posterior;
  if (typeof before !== "number" || typeof after !== "number") return html`<p class="quiet">Nothing was judged.</p>`;
  return html`<${Bars}
      title="How sure it is, on audio it did not learn from"
      most=${1}
      bars=${[
        { name: "Before", value: before, said: percent(before), fill: "fill-before" },
        { name: "After", value: after, said: percent(after), fill: "fill-accent" },
      ]}
    />
    <p class="hint">Surer is not the same as right: a test set with transcripts counts the errors.</p>`;
}

function Alpha({ report }) {
  if (typeof report.alpha !== "number") return null;
  const tried = (report.candidates ?? []).filter((one) => typeof one.alpha === "number");
  const refused = tried.filter((one) => !one.accepted);
  const said =
    `${percent(report.alpha)} of what was learned is used (alpha ${report.alpha}).` +
    (refused.length ? ` Not good enough: ${refused.map((one) => percent(one.alpha)).join(", ")}.` : "");
  return html`<section class="card">
    <${Shares}
      title="How much of what was learned is used, in per cent"
      points=${tried.map((one) => ({ at: one.alpha, accepted: one.accepted }))}
      chosen=${report.alpha}
      said=${said}
    />
    <p class="hint">${said}</p>
  </section>`;
}

function Ordinary({ report }) {
  const rate = (side) => (side?.words ? side.errors / side.words : null);
  const base = rate(report.ordinary_speech?.base);
  const chosen = rate(report.ordinary_speech?.chosen);
  if (base === null || chosen === null) return null;
  return html`<section class="card">
    <${Bars}
      title="Words wrong on ordinary speech"
      most=${Math.max(0.1, 1.2 * Math.max(base, chosen))}
      bars=${[
        { name: "Base model", value: base, said: percent(base, 1), fill: "fill-before" },
        { name: "This model", value: chosen, said: percent(chosen, 1), fill: "fill-accent" },
      ]}
    />
    <p class="hint">Checked so that the model stays good at other speech, too. Fewer is better.</p>
  </section>`;
}

function LeftOut({ pieces }) {
  if (!pieces.length) return null;
  return html`<details class="card">
    <summary>What was left out, and why (${pieces.length})</summary>
    <div class="wide" tabindex="0" role="region" aria-label="Pieces that were left out">
      <table>
        <thead><tr><th scope="col">Recording</th><th scope="col">From</th><th scope="col">Length</th><th scope="col">Why</th></tr></thead>
        <tbody>
          ${pieces.slice(0, MOST_SHOWN).map(
            (piece) => html`<tr>
              <td>${[piece.audio_name, piece.member].filter(Boolean).join(" / ")}</td>
              <td class="number">${piece.start_s === null ? "" : `${piece.start_s.toFixed(1)} s`}</td>
              <td class="number">${spanned(piece) ? `${spanned(piece).toFixed(1)} s` : "all of it"}</td>
              <td>${piece.reason}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${pieces.length > MOST_SHOWN && html`<p class="small quiet">The first ${MOST_SHOWN} are shown; the report has them all.</p>`}
  </details>`;
}

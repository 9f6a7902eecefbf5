/** Test sets with transcripts, and evaluations of models on them. */

import { html, useState } from "./preact.js";
import { DropZone } from "./drop-zone.js";
import { LARGEST_BYTES, isArchive } from "./kinds.js";
import { serves } from "./models.js";
import { Act, Empty, Field, Heading, Loading, Problem, Progress, Question, Status } from "./parts.js";
import { usePolled } from "./polling.js";
import { go, to } from "./routes.js";
import { ask, encoded } from "./service.js";
import { counted, duration, listed, moment, shortLabels } from "./wording.js";
import { Uploads } from "./uploads.js";

const MOST_MODELS = 4;
const OPEN = ["waiting", "processing"];

export function Tests() {
  const sets = usePolled("test_sets", (answer) => (answer.test_sets.some((one) => one.status === "processing") ? 1.5 : 30));
  const evaluations = usePolled("evaluations", (answer) => (answer.evaluations.some((one) => OPEN.includes(one.status)) ? 2 : 30));
  const head = html`<div class="prose tight">
    <${Heading} title="Tests" />
    <p class="quiet">A test set is recordings with what is said in them. With one, the errors of models can be counted.</p>
  </div>`;
  if (sets.error?.status === 404) {
    return html`${head}<${Empty} title="No test sets here"><p>This service cannot count errors yet. “Try it” shows one recording with two models.</p><//>`;
  }
  if (!sets.value) return html`${head}${sets.error ? html`<${Problem} error=${sets.error} again=${sets.again} />` : html`<${Loading} what="test sets" />`}`;
  const available = sets.value.test_sets.filter((one) => one.status === "available");
  return html`
    ${head}
    ${available.length > 0 && html`<${NewEvaluation} sets=${available} />`}
    <section class="stack" aria-labelledby="evaluations">
      <h2 id="evaluations">Evaluations</h2>
      <${Problem} error=${evaluations.error} />
      ${evaluations.value?.evaluations.length
        ? html`<ul class="list">
            ${evaluations.value.evaluations.map(
              (one) => html`<li class="link" key=${one.evaluation_id}>
                <div>
                  <a class="name" href=${to("evaluations", one.evaluation_id)}>${one.name || (one.kind === "comparison" ? "Comparison" : "Evaluation")}</a>
                  <p class="quiet small">
                    ${one.kind === "comparison" ? "Without transcripts" : "On a test set"} · ${listed(shortLabels(one.models))} · ${moment(one.created)}
                  </p>
                </div>
                <${Status} of=${one.status} />
                ${OPEN.includes(one.status) && html`<div class="all"><${Progress} label="Progress of ${one.name}" percent=${one.progress} /></div>`}
              </li>`,
            )}
          </ul>`
        : html`<p class="quiet">None yet.</p>`}
    </section>
    <section class="stack" aria-labelledby="sets">
      <h2 id="sets">Test sets</h2>
      <${NewSet} onDone=${sets.again} />
      ${sets.value.test_sets.length > 0 &&
      html`<ul class="list">
        ${sets.value.test_sets.map((one) => html`<${TestSet} key=${one.test_set_id} one=${one} onChange=${sets.again} />`)}
      </ul>`}
    </section>
  `;
}

function NewSet({ onDone }) {
  const [problem, setProblem] = useState(null);
  const [uploads, setUploads] = useState(null);
  const [, moved] = useState(0);
  const add = (taken) => {
    const good = taken.filter(({ file }) => isArchive(file.name) && file.size <= LARGEST_BYTES);
    setProblem(good.length === taken.length ? null : new Error("A test set is a zip or .tar.gz archive of up to 100 MB: pack recordings and transcripts into one."));
    if (!good.length) return;
    const sending = new Uploads(({ file }) => ({
      path: "test_sets",
      type: /zip$/i.test(file.name) ? "application/zip" : "application/gzip",
      query: { name: file.name.replace(/\.(zip|tgz|tar\.gz)$/i, "") },
    }));
    sending.tell(
      () => moved((number) => number + 1),
      () => {
        setUploads(null);
        setProblem(sending.entries.find((entry) => entry.state === "refused") ?? null);
        onDone();
      },
    );
    setUploads(sending);
    sending.add(good.map(({ path, file }) => ({ name: path, file })));
  };
  return html`<${DropZone} id="test-set" label="Add a test set" accept=".zip,.tgz,.gz" disabled=${uploads !== null} onFiles=${add}>
      <p><strong>Drop a zip of recordings and transcripts here</strong></p>
      <p class="quiet small">A text beside each recording (call.wav, call.txt), or one table: CSV, TSV, JSON Lines or STM.</p>
      ${uploads?.entries.map(
        (entry) => html`<div key=${entry.name} class="tight">
          <${Progress} label=${entry.name} percent=${(100 * entry.sent) / entry.file.size} />
          <p class="small quiet">${entry.message || entry.name}</p>
        </div>`,
      )}
    <//>
    <${Problem} error=${problem} />`;
}

function TestSet({ one, onChange }) {
  const [findings, setFindings] = useState(null);
  const [leaving, setLeaving] = useState(false);
  const path = `test_sets/${encoded(one.test_set_id)}`;
  const look = async (event) => {
    if (event.currentTarget.open && !findings) setFindings((await ask("GET", path).catch((error) => ({ findings: [error] }))).findings);
  };
  const facts = [
    one.utterances === undefined ? "" : counted(one.utterances, "utterance"),
    one.duration ? duration(one.duration) : "",
    one.words ? counted(one.words, "word") : "",
    one.left_out ? `${one.left_out} left out` : "",
  ].filter(Boolean);
  return html`<li>
    <div>
      <span class="name">${one.name}</span>
      <p class="quiet small">${facts.join(" · ")}</p>
    </div>
    <div class="row">
      <${Status} of=${one.status} named=${one.status === "available" ? "ready" : undefined} />
      <button type="button" class="plain slight" aria-label="Delete ${one.name}" onClick=${() => setLeaving(true)}>Delete</button>
    </div>
    ${one.error && html`<p class="finding all">${one.error}</p>`}
    ${one.left_out > 0 &&
    html`<details class="all" onToggle=${look}>
      <summary>What was left out</summary>
      <ul class="tight small members">
        ${findings?.map((finding, at) => html`<li key=${at}>${finding.file ?? ""}${finding.line ? `, line ${finding.line}` : ""}${finding.file ? ": " : ""}${finding.message}</li>`)}
      </ul>
    </details>`}
    ${leaving &&
    html`<${Question}
      title="Delete ${one.name}?"
      answer="Delete"
      danger
      work=${async () => {
        await ask("DELETE", path);
        onChange();
      }}
      onClose=${() => setLeaving(false)}
    >
      <p>Its recordings and transcripts are deleted for good. The figures of evaluations on it stay.</p>
    <//>`}
  </li>`;
}

function NewEvaluation({ sets }) {
  const { value: bases } = usePolled("models", () => 600);
  const { value: acoustic } = usePolled("acoustic_customizations", () => 60);
  const [set, setSet] = useState("");
  const [chosen, setChosen] = useState([]);
  const [error, setError] = useState(null);
  const trained = (acoustic?.customizations ?? []).filter(serves);
  // What custom models were made on is what they are compared with first, though there may be newer versions.
  const origins = new Map((acoustic?.customizations ?? []).map((one) => [one.versions.at(-1), one.base_model_name]));
  const choices = [
    ...trained.map((one) => [one.name, { acoustic_customization_id: one.customization_id }]),
    ...[...origins].map(([version, name]) => [version, { model: name, base_model_version: version }]),
    ...(bases?.models ?? []).map((one) => [`${one.name}, newest version`, { model: one.name }]),
  ];
  const key = (choice) => JSON.stringify(choice);
  const pick = (choice) => (event) =>
    setChosen(event.target.checked ? [...chosen, key(choice)] : chosen.filter((one) => one !== key(choice)));
  const begin = async () => {
    if (!chosen.length) throw new Error("Choose at least one model.");
    const id = set || sets[0].test_set_id;
    const name = sets.find((one) => one.test_set_id === id)?.name;
    // The first is what others are compared with: a base, if there is one.
    const models = chosen.map((one) => JSON.parse(one)).sort((a, b) => ("model" in b) - ("model" in a));
    const made = await ask("POST", "evaluations", { json: { name, test_set_id: id, models } });
    go("evaluations", made.evaluation_id);
  };
  return html`<section class="card" aria-labelledby="new-evaluation">
    <h2 id="new-evaluation">Count the errors of models</h2>
    <div class="columns">
      <${Field} id="set" label="Test set">
        <select id="set" value=${set || sets[0].test_set_id} onChange=${(event) => setSet(event.target.value)}>
          ${sets.map((one) => html`<option key=${one.test_set_id} value=${one.test_set_id}>${one.name}</option>`)}
        </select>
      <//>
      <fieldset>
        <legend>Models (up to ${MOST_MODELS})</legend>
        ${choices.map(
          ([name, choice]) => html`<label class="check" key=${key(choice)}>
            <input
              type="checkbox"
              checked=${chosen.includes(key(choice))}
              disabled=${!chosen.includes(key(choice)) && chosen.length >= MOST_MODELS}
              onChange=${pick(choice)}
            />${name}
          </label>`,
        )}
      </fieldset>
    </div>
    <${Problem} error=${error} />
    <${Act} class="primary" work=${begin} onError=${setError}>Evaluate<//>
  </section>`;
}

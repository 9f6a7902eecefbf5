/** All custom acoustic models of the owner, and a new one. */

import { html, useLayoutEffect, useState } from "./preact.js";
import { Act, Field, Heading, Loading, Problem, Progress, Status } from "./parts.js";
import { usePolled } from "./polling.js";
import { go, to } from "./routes.js";
import { ask } from "./service.js";
import { counted, moment, remaining } from "./wording.js";

export const RUNNING = ["training", "upgrading"];
/** Whether a model recognises: one that was trained goes on whatever its status is; its first training may be under way, or have failed. */
export const serves = (model) => model.version !== undefined || ["available", "upgrading"].includes(model.status);

const CHANGING = [...RUNNING, "pending"];

export function Models() {
  const { value, error, again } = usePolled("acoustic_customizations", (answer) =>
    answer.customizations.some((model) => CHANGING.includes(model.status)) ? 3 : 15,
  );
  const [making, setMaking] = useState(false);
  const models = value?.customizations.toReversed();
  const first = models?.length === 0;
  return html`
    <div class="head">
      <div>
        <${Heading} title="Models" />
        <p class="quiet">Each learns how speech sounds on one line, in one room or beside one machine.</p>
      </div>
      ${!first &&
      !making &&
      html`<button class="primary" type="button" onClick=${() => setMaking(true)}>New model</button>`}
    </div>
    <${Problem} error=${error} again=${again} />
    ${(making || first) && html`<${NewModel} first=${first} onLeave=${first ? null : () => setMaking(false)} />`}
    ${!models && !error && html`<${Loading} what="your models" />`}
    ${models?.length > 0 &&
    html`<ul class="list" aria-label="${counted(models.length, "model")}, newest first">
      ${models.map((model) => html`<${Row} key=${model.customization_id} model=${model} />`)}
    </ul>`}
  `;
}

function Row({ model }) {
  return html`<li class="link">
    <div>
      <a class="name" href=${to("models", model.customization_id)}>${model.name}</a>
      <p class="quiet small">${model.base_model_name} · changed ${moment(model.updated)}</p>
    </div>
    <${Status} of=${model.status} />
    <${Run} model=${model} />
    ${model.error && html`<p class="finding all">${model.error}</p>`}
  </li>`;
}

/** How far a training or an upgrade has come. */
export function Run({ model }) {
  if (!RUNNING.includes(model.status)) return null;
  const left = model.seconds_left === undefined ? "" : ` · ${remaining(model.seconds_left)}`;
  return html`<div class="all tight">
    <${Progress} label="Progress of ${model.name}" percent=${model.progress} />
    <p class="quiet small">${model.progress} % · ${model.stage}${left}</p>
  </div>`;
}

function NewModel({ first, onLeave }) {
  const { value, error: unlisted } = usePolled("models", () => 600);
  const [name, setName] = useState("");
  const [base, setBase] = useState("");
  const [error, setError] = useState(null);
  const bases = (value?.models ?? []).filter((model) => model.supported_features.custom_acoustic_model);
  useLayoutEffect(() => document.getElementById("model-name")?.focus(), []);
  const make = async () => {
    if (!name.trim()) {
      document.getElementById("model-name").focus();
      throw new Error("Give the model a name, such as that of the line or the room.");
    }
    const made = await ask("POST", "acoustic_customizations", {
      json: { name: name.trim(), base_model_name: base || bases[0]?.name },
    });
    go("models", made.customization_id);
  };
  return html`<form
    class="card"
    aria-labelledby="new-model"
    onSubmit=${(event) => {
      event.preventDefault();
      event.currentTarget.querySelector("button.primary").click();
    }}
  >
    <h2 id="new-model">${first ? "Make your first model" : "New model"}</h2>
    ${first &&
    html`<p class="quiet">
      A model starts as good as its base. Ten minutes of recordings, without any transcripts, are enough to train it.
    </p>`}
    <div class="columns">
      <${Field} id="model-name" label="Name">
        <input
          id="model-name"
          type="text"
          maxlength="1024"
          autocomplete="off"
          value=${name}
          onInput=${(event) => setName(event.target.value)}
        />
      <//>
      <${Field}
        id="base"
        label="Base model"
        hint="Narrowband takes telephone calls (8 kHz and more), broadband needs 16 kHz."
      >
        <select id="base" aria-describedby="base-hint" value=${base || bases[0]?.name} onChange=${(event) => setBase(event.target.value)}>
          ${bases.map(
            (model) => html`<option key=${model.name} value=${model.name}>${model.name}</option>`,
          )}
        </select>
      <//>
    </div>
    <${Problem} error=${error ?? unlisted} />
    <div class="row">
      <${Act} class="primary" disabled=${!bases.length} work=${make} onError=${setError}>Create model<//>
      ${onLeave && html`<button type="button" class="plain" onClick=${onLeave}>Cancel</button>`}
    </div>
  </form>`;
}

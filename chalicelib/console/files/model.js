/** One custom acoustic model: what it holds, what can be done with it, what came of it. */

import { html, useEffect, useRef, useState } from "./preact.js";
import { Audio, LEAST_MINUTES } from "./audio.js";
import { Comparison } from "./comparison.js";
import { RUNNING, Run, serves } from "./models.js";
import { Act, Field, Heading, Loading, Menu, Notice, Problem, Question, Status, Tabs, announce } from "./parts.js";
import { usePolled } from "./polling.js";
import { Report } from "./report.js";
import { go, to } from "./routes.js";
import { ask, encoded } from "./service.js";
import { Versions } from "./versions.js";
import { moment, some } from "./wording.js";

export function Model({ path: [id, tab = "audio"] }) {
  const path = `acoustic_customizations/${encoded(id)}`;
  const { value: model, error, again } = usePolled(path, (answer) =>
    RUNNING.includes(answer.status) ? 2 : answer.status === "pending" ? 1.5 : 10,
  );
  const audio = usePolled(`${path}/audio`, (answer) =>
    answer.audio.some((one) => one.status === "being_processed") ? 1.5 : 20,
  );
  const status = useRef(null);
  useEffect(() => {
    if (RUNNING.includes(status.current) && model && !RUNNING.includes(model.status)) {
      announce(model.status === "failed" ? `The training failed: ${model.error}` : `The training of ${model.name} is over.`);
    }
    status.current = model?.status;
  }, [model?.status]);
  if (!model) {
    return html`<p class="crumb"><a href=${to("models")}>Models</a></p>
      ${error ? html`<${Heading} title="Model" /><${Problem} error=${error} again=${again} />` : html`<${Loading} what="the model" />`}`;
  }
  const changed = () => {
    again();
    audio.again();
  };
  const tabs = [
    ["audio", "Recordings", to("models", id)],
    ["report", "Report", to("models", id, "report")],
    ["comparison", "Did it help?", to("models", id, "comparison")],
    ["versions", "Versions", to("models", id, "versions")],
  ];
  return html`
    <div class="head">
      <div>
        <p class="crumb"><a href=${to("models")}>Models</a></p>
        <div class="title"><${Heading} title=${model.name} /><${Status} of=${model.status} /></div>
        <p class="quiet small">${model.base_model_name} · made ${moment(model.created)}</p>
      </div>
      <${Actions} model=${model} path=${path} audio=${audio.value} onChange=${changed} />
    </div>
    <${Problem} error=${error} />
    ${RUNNING.includes(model.status) && html`<div class="card"><${Run} model=${model} /></div>`}
    ${model.error && html`<${Notice} kind="bad"><p>${model.error}</p><//>`}
    ${model.result && html`<${Notice} kind="good"><p>${model.result}</p><//>`}
    <${Tabs} label="Parts of the model" tabs=${tabs} open=${tab} />
    ${tab === "audio" && html`<${Audio} model=${model} path=${path} audio=${audio} onChange=${changed} />`}
    ${tab === "report" && html`<${Report} model=${model} path=${path} />`}
    ${tab === "comparison" && html`<${Comparison} model=${model} audio=${audio.value} />`}
    ${tab === "versions" && html`<${Versions} model=${model} path=${path} onChange=${again} />`}
  `;
}

function Actions({ model, path, audio, onChange }) {
  const [error, setError] = useState(null);
  const [question, setQuestion] = useState(null);
  const close = () => setQuestion(null);
  const does = (method, call, said, query) => async () => {
    await ask(method, `${path}${call}`, { query });
    announce(said);
    onChange();
  };
  const running = RUNNING.includes(model.status);
  const invalid = (audio?.audio ?? []).filter((one) => one.status === "invalid").map((one) => one.name);
  const enough = (audio?.total_minutes_of_audio ?? 0) >= LEAST_MINUTES;
  const trainable = enough && model.status !== "pending";
  const train = does("POST", "/train", "The training has begun.", { strict: false });
  const questions = {
    left_out: html`<${Question} title="Train without the invalid recordings?" answer="Train" work=${train} onClose=${close}>
      <p>${some(invalid)} cannot be used. The training takes the others; those stay listed until you delete them.</p>
    <//>`,
    helper: html`<${Helped} path=${path} model=${model} onDone=${onChange} onClose=${close} />`,
    cancel: html`<${Question}
      title="Stop this training?"
      answer="Stop it"
      danger
      work=${does("DELETE", "/train", "The training is being stopped.")}
      onClose=${close}
    >
      <p>What this run has learned so far is lost. The model stays as it was before, with all its recordings.</p>
    <//>`,
    upgrade: html`<${Question}
      title="Move to the newest base model?"
      answer="Upgrade"
      work=${does("POST", "/upgrade_model", "The upgrade has begun.")}
      onClose=${close}
    >
      <p>
        The model is trained again, on its recordings and the newest version of ${model.base_model_name}. It goes on
        recognising meanwhile, and what it is now stays there for requests that ask for the older base version.
      </p>
    <//>`,
    reset: html`<${Question}
      title="Reset ${model.name}?"
      answer="Reset the model"
      danger
      work=${does("POST", "/reset", "The model was reset.")}
      onClose=${close}
    >
      <p>
        All recordings of the model and everything it has learned are deleted for good. The model itself stays, empty,
        under its id. Programs that recognise with it get an error until it is trained again.
      </p>
    <//>`,
    delete: html`<${Question}
      title="Delete ${model.name}?"
      answer="Delete the model"
      danger
      work=${async () => {
        await ask("DELETE", path);
        announce("The model was deleted.");
        go("models");
      }}
      onClose=${close}
    >
      <p>
        The model, its recordings and everything it has learned are deleted for good. Programs that recognise with it get
        an error from then on.
      </p>
    <//>`,
  };
  return html`<div class="actions">
    <div class="row">
      ${running
        ? html`<button type="button" class="danger" onClick=${() => setQuestion("cancel")}>
            ${model.status === "training" ? "Stop the training" : "Stop the upgrade"}
          </button>`
        : html`<${Act}
            class="primary"
            disabled=${!trainable}
            aria-describedby=${trainable ? undefined : "why-not"}
            work=${async () => (invalid.length ? setQuestion("left_out") : train())}
            onError=${setError}
            >Train<//
          >`}
      <${Menu}>
          ${serves(model) && html`<a class="button plain" href=${to("try", model.customization_id)}>Try it</a>`}
          ${!running &&
          html`<button type="button" class="plain" disabled=${!trainable} onClick=${() => setQuestion("helper")}>
              Train with a language model …
            </button>
            <button type="button" class="plain" onClick=${() => setQuestion("upgrade")}>Upgrade …</button>
            <button type="button" class="plain" onClick=${() => setQuestion("reset")}>Reset …</button>`}
          <button type="button" class="plain" onClick=${() => setQuestion("delete")}>Delete …</button>
      <//>
    </div>
    ${!running && !trainable && html`<p class="hint" id="why-not">${why(model, enough)}</p>`}
    <${Problem} error=${error} />
    ${questions[question]}
  </div>`;
}

const why = (model, enough) =>
  enough ? `Training waits: ${model.stage ?? "recordings are being checked"}.` : `Training needs ${LEAST_MINUTES} minutes of audio.`;

function Helped({ path, model, onDone, onClose }) {
  const { value, error } = usePolled("customizations", () => 600);
  const [helper, setHelper] = useState("");
  const able = (value?.customizations ?? []).filter(
    (one) => one.status === "available" && one.base_model_name === model.base_model_name,
  );
  const work = async () => {
    if (!helper) throw new Error("Choose a language model first.");
    await ask("POST", `${path}/train`, { query: { strict: false, custom_language_model_id: helper } });
    announce("The training has begun.");
    onDone();
  };
  return html`<${Question} title="Train with a language model" answer="Train" work=${work} onClose=${onClose}>
    <p class="quiet">
      Texts about what is said in the recordings help to hear them right while the model learns. Recordings whose words
      stand in these texts teach most.
    </p>
    <${Problem} error=${error} />
    ${value && able.length === 0
      ? html`<p>There is no trained language model on ${model.base_model_name}. <a href=${to("language")}>Make one</a></p>`
      : html`<${Field} id="helper" label="Language model">
          <select id="helper" value=${helper} onChange=${(event) => setHelper(event.target.value)}>
            <option value="">Choose …</option>
            ${able.map((one) => html`<option key=${one.customization_id} value=${one.customization_id}>${one.name}</option>`)}
          </select>
        <//>`}
  <//>`;
}

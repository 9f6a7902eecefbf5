/** Did it help? The base and the custom model on the same recordings, without any transcripts. */

import { html, useState } from "./preact.js";
import { Results } from "./evaluation.js";
import { serves } from "./models.js";
import { Act, Empty, Loading, Notice, Problem } from "./parts.js";
import { usePolled } from "./polling.js";
import { ask } from "./service.js";
import { some } from "./wording.js";

const OPEN = ["waiting", "processing"];

export function Comparison({ model, audio }) {
  const id = model.customization_id;
  const { value, error, again } = usePolled("evaluations", (answer) =>
    answer.evaluations.some((one) => OPEN.includes(one.status)) ? 2 : 30,
  );
  const [problem, setProblem] = useState(null);
  const [chosen, setChosen] = useState([]);
  if (error?.status === 404) {
    return html`<${Empty} title="No comparisons here">
      <p>This service cannot compare models yet. In “Try it” you can hear one recording with both.</p>
    <//>`;
  }
  if (!value) return error ? html`<${Problem} error=${error} again=${again} />` : html`<${Loading} what="comparisons" />`;
  if (!serves(model)) {
    return html`<${Empty} title="Train the model first"><p>Then this page shows which sentences it hears differently from its base.</p><//>`;
  }
  const last = value.evaluations.find((one) => one.kind === "comparison" && one.acoustic_customization_id === id);
  const begin = (body) => async () => {
    try {
      await ask("POST", "evaluations", { json: { name: model.name, ...body } });
    } catch (refused) {
      if (refused.status !== 400 || !body.held_out) throw refused;
      throw new Error("What the last training held out is not known. Train again, or choose recordings below.");
    }
    again();
  };
  const names = (audio?.audio ?? []).filter((one) => one.status === "ok").map((one) => one.name);
  const pick = (name) => (event) => setChosen(event.target.checked ? [...chosen, name] : chosen.filter((one) => one !== name));
  return html`
    <section class="card">
      <h2>Hear what changed</h2>
      <p class="prose">
        The base and your model recognise the same recordings. You see the sentences in which they differ, most changed
        first, and can play each one. Nobody needs to write a transcript; what is right, your ears decide.
      </p>
      <${Problem} error=${problem} />
      <div class="row">
        <${Act} class="primary" work=${begin({ acoustic_customization_id: id, held_out: true })} onError=${setProblem}>
          Compare on held-out audio
        <//>
        ${chosen.length > 0 &&
        html`<${Act} work=${begin({ audio: { acoustic_customization_id: id, audio_names: chosen } })} onError=${setProblem}>
          Compare on ${some(chosen, 1)}
        <//>`}
      </div>
      <p class="hint">Held-out audio is what the last training did not learn from: the fairest to judge it by.</p>
      ${names.length > 0 &&
      html`<details>
        <summary>Choose recordings instead</summary>
        <fieldset>
          <legend class="unseen">Recordings to compare on</legend>
          ${names.slice(0, 100).map(
            (name) => html`<label class="check" key=${name}>
              <input type="checkbox" checked=${chosen.includes(name)} onChange=${pick(name)} />${name}
            </label>`,
          )}
        </fieldset>
      </details>`}
    </section>
    ${last && html`<${Last} id=${last.evaluation_id} key=${last.evaluation_id} />`}
  `;
}

function Last({ id }) {
  const { value, error, again } = usePolled(`evaluations/${id}`, (one) => (OPEN.includes(one.status) ? 1.5 : 600));
  if (!value) return html`<${Problem} error=${error} again=${again} />`;
  return html`<${Results} evaluation=${value} />
    ${value.status === "failed" && html`<${Notice} kind="bad"><p>${value.error}</p><//>`}`;
}

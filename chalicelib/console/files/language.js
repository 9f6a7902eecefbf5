/** Custom language models: the list, and each with its texts, words and grammars. */

import { html, useState } from "./preact.js";
import { LanguageModel } from "./language-model.js";
import { RUNNING, Run } from "./models.js";
import { Act, Empty, Field, Heading, Loading, Problem, Status } from "./parts.js";
import { usePolled } from "./polling.js";
import { go, to } from "./routes.js";
import { ask } from "./service.js";
import { moment } from "./wording.js";

export const Language = ({ path }) => (path.length ? html`<${LanguageModel} path=${path} />` : html`<${All} />`);

function All() {
  const { value, error, again } = usePolled("customizations", (answer) =>
    answer.customizations.some((one) => [...RUNNING, "pending"].includes(one.status)) ? 3 : 20,
  );
  const [making, setMaking] = useState(false);
  const models = value?.customizations.toReversed();
  return html`
    <div class="head">
      <div>
        <${Heading} title="Language models" />
        <p class="quiet">They teach words, names and phrases: from texts, word lists and grammars.</p>
      </div>
      ${!making && html`<button class="primary" type="button" onClick=${() => setMaking(true)}>New language model</button>`}
    </div>
    <${Problem} error=${error} again=${again} />
    ${making && html`<${NewLanguageModel} onLeave=${() => setMaking(false)} />`}
    ${!models && !error && html`<${Loading} what="your language models" />`}
    ${models?.length === 0 && !making && html`<${Empty} title="No language models yet"><p>Make one when names or terms of yours are heard wrongly.</p><//>`}
    ${models?.length > 0 &&
    html`<ul class="list">
      ${models.map(
        (model) => html`<li class="link" key=${model.customization_id}>
          <div>
            <a class="name" href=${to("language", model.customization_id)}>${model.name}</a>
            <p class="quiet small">${model.base_model_name} · changed ${moment(model.updated)}</p>
          </div>
          <${Status} of=${model.status} />
          <${Run} model=${model} />
        </li>`,
      )}
    </ul>`}
  `;
}

function NewLanguageModel({ onLeave }) {
  const { value } = usePolled("models", () => 600);
  const [name, setName] = useState("");
  const [base, setBase] = useState("");
  const [error, setError] = useState(null);
  const bases = (value?.models ?? []).filter((model) => model.supported_features.custom_language_model);
  const make = async () => {
    if (!name.trim()) throw new Error("Give the language model a name.");
    const made = await ask("POST", "customizations", { json: { name: name.trim(), base_model_name: base || bases[0]?.name } });
    go("language", made.customization_id);
  };
  return html`<section class="card" aria-labelledby="new-language-model">
    <h2 id="new-language-model">New language model</h2>
    <div class="columns">
      <${Field} id="language-name" label="Name">
        <input id="language-name" type="text" maxlength="1024" autocomplete="off" value=${name} onInput=${(event) => setName(event.target.value)} />
      <//>
      <${Field} id="language-base" label="Base model">
        <select id="language-base" value=${base || bases[0]?.name} onChange=${(event) => setBase(event.target.value)}>
          ${bases.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}
        </select>
      <//>
    </div>
    <${Problem} error=${error} />
    <div class="row">
      <${Act} class="primary" disabled=${!bases.length} work=${make} onError=${setError}>Create language model<//>
      <button type="button" class="plain" onClick=${onLeave}>Cancel</button>
    </div>
  </section>`;
}

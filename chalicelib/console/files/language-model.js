/** One custom language model: texts, words and grammars, and its training. */

import { html, useState } from "./preact.js";
import { DropZone } from "./drop-zone.js";
import { LARGEST_BYTES, nameInModel } from "./kinds.js";
import { RUNNING, Run } from "./models.js";
import { Act, Field, Heading, Loading, Menu, Notice, Problem, Question, Status, announce } from "./parts.js";
import { usePolled } from "./polling.js";
import { go, to } from "./routes.js";
import { ask, encoded } from "./service.js";
import { counted, moment } from "./wording.js";

const WAIT_S = 0.7;
const MOST_WORDS = 200;

export function LanguageModel({ path: [id] }) {
  const path = `customizations/${encoded(id)}`;
  const { value: model, error, again } = usePolled(path, (answer) =>
    [...RUNNING, "pending"].includes(answer.status) ? 1.5 : 15,
  );
  const corpora = usePolled(`${path}/corpora`, waiting("corpora"));
  const grammars = usePolled(`${path}/grammars`, waiting("grammars"));
  const words = usePolled(`${path}/words?word_type=user`, () => 30);
  const crumb = html`<p class="crumb"><a href=${to("language")}>Language models</a></p>`;
  if (!model) {
    return html`${crumb}${error ? html`<${Heading} title="Language model" /><${Problem} error=${error} again=${again} />` : html`<${Loading} what="the model" />`}`;
  }
  const changed = () => {
    for (const one of [{ again }, corpora, grammars, words]) one.again();
  };
  const fixed = RUNNING.includes(model.status);
  return html`
    <div class="head">
      <div>
        ${crumb}
        <div class="title"><${Heading} title=${model.name} /><${Status} of=${model.status} /></div>
        <p class="quiet small">${model.base_model_name} · made ${moment(model.created)}</p>
      </div>
      <${Actions} model=${model} path=${path} onChange=${changed} />
    </div>
    ${fixed && html`<div class="card"><${Run} model=${model} /></div>`}
    ${model.error && html`<${Notice} kind="bad"><p>${model.error}</p><//>`}
    <${Texts} path=${path} corpora=${corpora.value?.corpora ?? []} grammars=${grammars.value?.grammars ?? []} fixed=${fixed} onChange=${changed} />
    <${Words} path=${path} words=${words.value?.words} error=${words.error} fixed=${fixed} onChange=${changed} />
  `;
}

const waiting = (kind) => (answer) => (answer[kind].some((one) => one.status === "being_processed") ? 1 : 30);

function Actions({ model, path, onChange }) {
  const [error, setError] = useState(null);
  const [question, setQuestion] = useState(null);
  const close = () => setQuestion(null);
  const does = (method, call, query) => async () => {
    await ask(method, `${path}${call}`, { query });
    onChange();
  };
  const running = RUNNING.includes(model.status);
  const consequences = {
    reset: ["Reset the model", does("POST", "/reset"), "All its texts, words and grammars, and what was trained, are deleted for good. The empty model stays under its id."],
    delete: [
      "Delete the model",
      async () => {
        await ask("DELETE", path);
        go("language");
      },
      "The model and everything in it are deleted for good. Programs that recognise with it get an error from then on.",
    ],
    upgrade: ["Upgrade", does("POST", "/upgrade_model"), `It is trained again on the newest version of ${model.base_model_name}, and serves meanwhile.`],
  };
  return html`<div class="actions">
    <div class="row">
      ${running
        ? html`<${Act} class="danger" work=${does("DELETE", "/train")} onError=${setError}>Stop the training<//>`
        : html`<${Act} class="primary" disabled=${model.status === "pending"} work=${does("POST", "/train", { strict: false })} onError=${setError}>Train<//>`}
      <${Menu}>
          ${!running &&
          html`<button type="button" class="plain" onClick=${() => setQuestion("upgrade")}>Upgrade …</button>
            <button type="button" class="plain" onClick=${() => setQuestion("reset")}>Reset …</button>`}
          <button type="button" class="plain" onClick=${() => setQuestion("delete")}>Delete …</button>
      <//>
    </div>
    ${model.status === "pending" && html`<p class="hint">${model.stage ?? "It is empty."}</p>`}
    <${Problem} error=${error} />
    ${question &&
    html`<${Question}
      title="${consequences[question][0]}?"
      answer=${consequences[question][0]}
      danger=${question !== "upgrade"}
      work=${consequences[question][1]}
      onClose=${close}
    >
      <p>${consequences[question][2]}</p>
    <//>`}
  </div>`;
}

const GRAMMARS = { abnf: "application/srgs", gram: "application/srgs", grxml: "application/srgs+xml", xml: "application/srgs+xml" };

function Texts({ path, corpora, grammars, fixed, onChange }) {
  const [error, setError] = useState(null);
  const [doing, setDoing] = useState("");
  const add = async (taken) => {
    setError(null);
    try {
      for (const { path: name, file } of taken) {
        setDoing(`Sending ${name} …`);
        await added(path, nameInModel(name), file);
        onChange();
      }
    } catch (failure) {
      setError(failure);
    } finally {
      setDoing("");
    }
  };
  const all = [...corpora.map((one) => ["corpora", one]), ...grammars.map((one) => ["grammars", one])];
  return html`<section class="stack" aria-labelledby="all-texts">
    <h2 id="all-texts">Texts and grammars</h2>
    <${DropZone} id="corpus" label="Add texts" accept=".txt,.abnf,.gram,.grxml,.xml" disabled=${fixed || doing !== ""} onFiles=${add}>
      <p><strong>Drop texts here</strong></p>
      <p class="quiet small" role="status">${doing || "UTF-8 text, one sentence a line; or grammars in SRGS (.abnf, .grxml)."}</p>
    <//>
    <${Problem} error=${error} />
    ${all.length > 0 &&
    html`<ul class="list">
      ${all.map(([kind, one]) => html`<${Text} key=${one.name} kind=${kind} one=${one} path=${path} fixed=${fixed} onChange=${onChange} onError=${setError} />`)}
    </ul>`}
  </section>`;
}

/** Send a text or a grammar and wait until it was looked through: a model takes in one at a time. */
async function added(path, name, file) {
  if (file.size > LARGEST_BYTES) throw new Error(`${name} is larger than 100 MB: split it.`);
  const grammar = GRAMMARS[name.split(".").at(-1).toLowerCase()];
  const kind = grammar ? "grammars" : "corpora";
  const resource = `${path}/${kind}/${encoded(name)}`;
  await ask("POST", resource, { body: file, type: grammar ?? "text/plain" });
  while ((await ask("GET", resource)).status === "being_processed") {
    await new Promise((done) => setTimeout(done, 1000 * WAIT_S));
  }
}

const Text = ({ kind, one, path, fixed, onChange, onError }) => html`<li>
  <div>
    <span class="name">${one.name}</span>
    <p class="quiet small">
      ${kind === "grammars" ? "Grammar" : counted(one.total_words, "word")} · ${counted(one.out_of_vocabulary_words, "new word")}
    </p>
  </div>
  <div class="row">
    <${Status} of=${one.status} />
    <${Act}
      class="plain slight"
      disabled=${fixed}
      aria-label="Delete ${one.name}"
      work=${async () => {
        await ask("DELETE", `${path}/${kind}/${encoded(one.name)}`);
        onChange();
      }}
      onError=${onError}
      >Delete<//
    >
  </div>
  ${one.error && html`<p class="finding all">${one.error}</p>`}
</li>`;

function Words({ path, words, error, fixed, onChange }) {
  const [word, setWord] = useState("");
  const [sounds, setSounds] = useState("");
  const [shown, setShown] = useState("");
  const [problem, setProblem] = useState(null);
  const add = async () => {
    if (!word.trim()) throw new Error("Type a word first.");
    const json = {};
    if (sounds.trim()) json.sounds_like = sounds.split(",").map((one) => one.trim()).filter(Boolean);
    if (shown.trim()) json.display_as = shown.trim();
    await ask("PUT", `${path}/words/${encoded(word.trim())}`, { json });
    announce(`${word} was added.`);
    setWord("");
    setSounds("");
    setShown("");
    onChange();
  };
  const field = (id, label, value, set, hint) => html`<${Field} id=${id} label=${label} hint=${hint}>
    <input id=${id} type="text" autocomplete="off" disabled=${fixed} aria-describedby="${id}-hint" value=${value} onInput=${(event) => set(event.target.value)} />
  <//>`;
  return html`<section class="stack" aria-labelledby="all-words">
    <h2 id="all-words">Words</h2>
    <div class="card">
      <div class="columns thirds">
        ${field("word", "Word", word, setWord, "Without spaces, such as “pbx”.")}
        ${field("sounds", "Sounds like", sounds, setSounds, "As it is said, such as “p b x”; several with commas. May be left out.")}
        ${field("shown", "Shown as", shown, setShown, "As it is written in results, such as “PBX”. May be left out.")}
      </div>
      <${Problem} error=${problem} />
      <${Act} disabled=${fixed} work=${add} onError=${setProblem}>Add word<//>
    </div>
    <${Problem} error=${error} />
    ${words?.length > 0 &&
    html`<ul class="list">
      ${words.slice(0, MOST_WORDS).map(
        (one) => html`<li key=${one.word}>
          <div>
            <span class="name">${one.word}</span>
            <p class="quiet small">sounds like ${one.sounds_like.join(", ")} · shown as ${one.display_as}</p>
          </div>
          <${Act}
            class="plain slight"
            disabled=${fixed}
            aria-label="Delete ${one.word}"
            work=${async () => {
              await ask("DELETE", `${path}/words/${encoded(one.word)}`);
              onChange();
            }}
            onError=${setProblem}
            >Delete<//
          >
          ${one.error && html`<p class="finding all">${typeof one.error === "string" ? one.error : one.error.map((part) => part.element ?? JSON.stringify(part)).join(" ")}</p>`}
        </li>`,
      )}
    </ul>`}
    ${words?.length > MOST_WORDS && html`<p class="small quiet">${MOST_WORDS} of ${words.length} are shown.</p>`}
  </section>`;
}

/** The keys of all owners: administrators list, make and revoke them. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "./preact.js";
import { Act, Empty, Field, Heading, Loading, Notice, Problem, Question, announce } from "./parts.js";
import { usePolled } from "./polling.js";
import { ask, encoded } from "./service.js";
import { counted, moment } from "./wording.js";

const called = (key) => key.label || `Key ${key.key_id}`;

export function Keys() {
  const { value, error, again } = usePolled("keys", () => 20);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState(null);
  const [revoking, setRevoking] = useState(null);
  const keys = value?.keys.toReversed();
  const head = html`<div class="head">
    <div class="prose">
      <${Heading} title="Keys" />
      <p class="quiet">A key opens the data of one owner: models, recordings, results. Give each person and each program one of their own.</p>
    </div>
    ${keys && !making && html`<button class="primary" type="button" onClick=${() => setMaking(true)}>New key</button>`}
  </div>`;
  if (error?.status === 404) {
    return html`${head}<${Empty} title="No keys here"><p>This service does not make keys in the console yet.</p><//>`;
  }
  if (error?.status === 403) {
    return html`${head}<${Empty} title="Keys are made by administrators">
      <p>Your key is not an administrator’s. Ask whoever runs the service for another key, or for one that may make keys.</p>
      <p class="small quiet">The command for it is <code>python -m infra.keys make --administrator</code>.</p>
    <//>`;
  }
  return html`
    ${head}
    <${Problem} error=${error} again=${again} />
    ${!keys && !error && html`<${Loading} what="the keys" />`}
    ${made && html`<${Made} key=${made.key_id} made=${made} onDone=${() => setMade(null)} />`}
    ${keys &&
    making &&
    html`<${NewKey}
      keys=${value.keys}
      onMade=${(key) => {
        setMade(key);
        setMaking(false);
        again();
      }}
      onLeave=${() => setMaking(false)}
    />`}
    ${keys &&
    html`<ul class="list" aria-label="Keys, newest first">
      ${keys.map(
        (key) => html`<li key=${key.key_id}>
          <div>
            <div class="title">
              <span class="name">${called(key)}</span>
              ${key.administrator && html`<span class="pill warn">administrator</span>`}
              ${key.current && html`<span class="pill good">yours</span>`}
            </div>
            <p class="quiet small">${key.label ? `Key ${key.key_id} · ` : ""}made ${moment(key.created)}</p>
            <p class="quiet small">Owner ${key.owner}</p>
          </div>
          ${!key.current &&
          html`<button type="button" class="plain slight" aria-label="Revoke ${called(key)}" onClick=${() => setRevoking(key)}>Revoke</button>`}
        </li>`,
      )}
    </ul>`}
    ${revoking && html`<${Revoke} one=${revoking} keys=${value.keys} onDone=${again} onClose=${() => setRevoking(null)} />`}
  `;
}

function NewKey({ keys, onMade, onLeave }) {
  const [label, setLabel] = useState("");
  const [owner, setOwner] = useState("");
  const [administrator, setAdministrator] = useState(false);
  const [error, setError] = useState(null);
  useLayoutEffect(() => document.getElementById("key-label").focus(), []);
  // An owner is known by the first of its keys.
  const owners = new Map(keys.toReversed().map((key) => [key.owner, called(key)]));
  const own = keys.find((key) => key.current)?.owner;
  const make = async () =>
    onMade(await ask("POST", "keys", { json: { label: label.trim(), owner: owner || null, administrator } }));
  return html`<form
    class="card"
    aria-labelledby="new-key"
    onSubmit=${(event) => {
      event.preventDefault();
      event.currentTarget.querySelector("button.primary").click();
    }}
  >
    <h2 id="new-key">New key</h2>
    <div class="columns">
      <${Field} id="key-label" label="Label" hint="Who or what it is for, such as “mobile client”.">
        <input id="key-label" type="text" maxlength="200" autocomplete="off" aria-describedby="key-label-hint" value=${label} onInput=${(event) => setLabel(event.target.value)} />
      <//>
      <${Field} id="key-owner" label="Whose data it opens" hint="A new owner begins with no models, and sees nothing of others.">
        <select id="key-owner" aria-describedby="key-owner-hint" value=${owner} onChange=${(event) => setOwner(event.target.value)}>
          <option value="">A new owner’s</option>
          ${[...owners].map(
            ([id, name]) => html`<option key=${id} value=${id}>${id === own ? "Yours" : name} (${id.slice(0, 8)})</option>`,
          )}
        </select>
      <//>
    </div>
    <label class="check">
      <input type="checkbox" checked=${administrator} onChange=${(event) => setAdministrator(event.target.checked)} />
      An administrator’s key: it can make and revoke keys, and so open every owner’s data
    </label>
    <${Problem} error=${error} />
    <div class="row">
      <${Act} class="primary" work=${make} onError=${setError}>Make key<//>
      <button type="button" class="plain" onClick=${onLeave}>Cancel</button>
    </div>
  </form>`;
}

/** The only time that a secret can be seen. */
function Made({ made, onDone }) {
  const field = useRef(null);
  const [told, setTold] = useState("");
  useEffect(() => field.current.focus(), []);
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(made.key);
      setTold("Copied.");
    } catch {
      // Browsers let pages copy over HTTPS, and on the machine itself, only.
      setTold("The browser does not let this page copy. The key is selected: press Ctrl+C, or ⌘C.");
    }
  };
  const done = () => {
    announce("The key is not shown any more.");
    onDone();
  };
  return html`<${Notice} kind="good">
    <p><strong>The key is made. It is shown this once: keep it where you keep passwords.</strong></p>
    <${Field} id="made" label="API key of ${called(made)}">
      <input ref=${field} id="made" type="text" readonly value=${made.key} spellcheck="false" autocomplete="off" />
    <//>
    <div class="row">
      <button type="button" class="primary" onClick=${copy}>Copy</button>
      <button type="button" class="plain" onClick=${done}>Done</button>
      ${told && html`<span class="small">${told}</span>`}
    </div>
  <//>`;
}

function Revoke({ one, keys, onDone, onClose }) {
  const others = keys.filter((key) => key.owner === one.owner && key.key_id !== one.key_id).length;
  const work = async () => {
    await ask("DELETE", `keys/${encoded(one.key_id)}`);
    announce("The key is revoked.");
    onDone();
  };
  return html`<${Question} title="Revoke ${called(one)}?" answer="Revoke" danger work=${work} onClose=${onClose}>
    <p>Whoever uses it is refused within five seconds, on open connections too. It cannot be had back.</p>
    <p>
      ${others
        ? `The data of its owner stays, and ${counted(others, "other key")} of it stays valid.`
        : `It is the last key of its owner. The data stays, but nobody gets at it until a key is made for the owner ${one.owner}.`}
    </p>
  <//>`;
}

/** The first page: the key that opens the rest. */

import { html, useRef, useState } from "./preact.js";
import { Field, Heading, Notice, Problem } from "./parts.js";
import { signIn } from "./session.js";

export function SignIn({ why, onDone }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  const enter = async (event) => {
    event.preventDefault();
    const key = field.current.value.trim();
    setError(null);
    if (!key) {
      setError(new Error("Type or paste a key first."));
      field.current.focus();
      return;
    }
    setBusy(true);
    try {
      await signIn(key);
      onDone();
    } catch (failure) {
      setError(failure);
      setBusy(false);
      field.current.focus();
    }
  };
  return html`<div class="narrow stack">
    <${Heading} title="Sign in" focus=${false} />
    ${why && html`<${Notice} kind="warn">${why}<//>`}
    <form class="card" onSubmit=${enter}>
      <${Field} id="key" label="API key" hint="It stays in this tab, and is forgotten when you close it or sign out.">
        <input
          ref=${field}
          id="key"
          type="password"
          autocomplete="off"
          spellcheck="false"
          aria-describedby="key-hint"
        />
      <//>
      <${Problem} error=${error} />
      <button class="primary" disabled=${busy}>${busy ? "Checking the key …" : "Sign in"}</button>
    </form>
    <details>
      <summary>Where do I get a key?</summary>
      <div class="stack small quiet">
        <p>
          On your own machine, the service made one at its first start. It is shown when the service starts, and lies in
          ${" "}<code>.attune/api-key</code>.
        </p>
        <p>
          More keys are made by administrators, on the console’s page <em>Keys</em>. The first key on AWS is one of them, and
          so is your own machine’s. Each key opens the data of one owner.
        </p>
      </div>
    </details>
  </div>`;
}

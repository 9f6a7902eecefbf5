/** The console: a frame around the page that is open. Pages come when they are needed. */

import { html, render, useEffect, useState } from "./preact.js";
import { Models } from "./models.js";
import { useRoute, to } from "./routes.js";
import { onEnd, signOut, signedIn } from "./session.js";
import { SignIn } from "./sign-in.js";
import { Notice } from "./parts.js";

const PLACES = [
  ["models", "Models"],
  ["try", "Try it"],
  ["tests", "Tests"],
  ["language", "Language"],
  ["keys", "Keys"],
];

/** The module of each page that has one of its own, and what it exports. */
const PAGES = {
  models: [() => import("./model.js"), "Model"],
  try: [() => import("./try.js"), "Try"],
  tests: [() => import("./tests.js"), "Tests"],
  evaluations: [() => import("./evaluation.js"), "Evaluation"],
  language: [() => import("./language.js"), "Language"],
  keys: [() => import("./keys.js"), "Keys"],
};

const Mark = () => html`<svg
  width="22" height="22" viewBox="0 0 22 22" fill="none" stroke="currentColor" stroke-width="2.2"
  stroke-linecap="round" aria-hidden="true"><path d="M2 9v4m4.5-8v12M11 2v18m4.5-14v10M20 9v4" /></svg>`;

function Frame({ open, inside, children }) {
  return html`
    <a class="skip" href="#main" onClick=${toContent}>To the content</a>
    <header class="bar">
      <div class="bar-inside">
        <a class="brand" href=${to("models")}><${Mark} />Attune</a>
        ${inside &&
        html`<nav aria-label="Console">
            <ul>
              ${PLACES.map(
                ([name, words]) =>
                  html`<li key=${name}><a href=${to(name)} aria-current=${name === open ? "page" : undefined}>${words}</a></li>`,
              )}
            </ul>
          </nav>
          <button class="plain sign-out" type="button" onClick=${() => signOut()}>Sign out</button>`}
      </div>
    </header>
    <main id="main" tabindex="-1">${children}</main>
    <p id="announcements" class="unseen" role="status"></p>
  `;
}

/** The address of the page stands where a browser would put the link's target. */
function toContent(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

/** A page that is loaded when it is first opened. */
function Later({ name, path }) {
  const [page, setPage] = useState({ name: null });
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const [load, part] = PAGES[name];
    load().then(
      (module) => setPage({ name, show: module[part] }),
      () => setFailed(true),
    );
  }, [name]);
  if (failed) {
    return html`<${Notice} kind="bad">
      <p>This page could not be loaded: the service does not answer.</p>
      <button class="slight" type="button" onClick=${() => location.reload()}>Try again</button>
    <//>`;
  }
  return page.name === name ? html`<${page.show} path=${path} />` : null;
}

function Console() {
  const [inside, setInside] = useState(signedIn);
  const [why, setWhy] = useState("");
  const [name = "models", ...path] = useRoute();
  useEffect(() => {
    onEnd((sentence) => {
      setWhy(sentence);
      setInside(false);
    });
  }, []);
  if (!inside) {
    return html`<${Frame}><${SignIn} why=${why} onDone=${() => setInside(true)} /><//>`;
  }
  const open = name === "evaluations" ? "tests" : name;
  const known = Object.hasOwn(PAGES, name) ? name : "models";
  return html`<${Frame} open=${open} inside>
    ${known === "models" && path.length === 0
      ? html`<${Models} />`
      : html`<${Later} key=${`${known}/${path[0] ?? ""}`} name=${known} path=${path} />`}
  <//>`;
}

render(html`<${Console} />`, document.getElementById("console"));

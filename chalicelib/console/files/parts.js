/** Parts that many pages are made of. */

import { html, useEffect, useRef, useState } from "./preact.js";

/** Say something to those who hear the page. */
export function announce(sentence) {
  const region = document.getElementById("announcements");
  if (region) region.textContent = sentence;
}

/** A page's heading; it takes the focus when the page is opened, and gives the window its title. */
export function Heading({ children, title, focus = true }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · Attune`;
  }, [title]);
  useEffect(() => {
    if (focus) heading.current.focus({ preventScroll: true });
  }, []);
  return html`<h1 ref=${heading} tabindex="-1">${children ?? title}</h1>`;
}

const KINDS = {
  available: "good",
  ok: "good",
  analyzed: "good",
  completed: "good",
  ready: "",
  pending: "",
  waiting: "",
  training: "busy",
  upgrading: "busy",
  processing: "busy",
  being_processed: "busy",
  failed: "bad",
  invalid: "bad",
  undetermined: "bad",
};
const NAMES = { being_processed: "being checked", undetermined: "invalid", analyzed: "ok", available: "trained" };

/** `named` says it otherwise than it is said of models. */
export const Status = ({ of, named }) => html`<span class="pill ${KINDS[of] ?? ""}">${named ?? NAMES[of] ?? of}</span>`;

export const Notice = ({ kind = "", children, ...others }) =>
  html`<div class="notice ${kind}" role=${kind === "bad" ? "alert" : "status"} ...${others}>${children}</div>`;

/** What went wrong, if anything did. */
export const Problem = ({ error, again }) =>
  error
    ? html`<${Notice} kind="bad">
        <p>${error.message}</p>
        ${again && html`<button class="slight" type="button" onClick=${again}>Try again</button>`}
      <//>`
    : null;

export const Loading = ({ what }) => html`<p class="quiet" role="status">Looking up ${what} …</p>`;

/** Progress from 0 to 100, or going on without a figure. */
export const Progress = ({ label, percent }) =>
  html`<progress aria-label=${label} max="100" value=${percent ?? undefined}></progress>`;

/** A button whose work takes a while; what goes wrong goes to `onError`. */
export function Act({ work, onError = () => {}, children, ...others }) {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    onError(null);
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") onError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" onClick=${act} ...${others} disabled=${busy || others.disabled}>${children}</button>`;
}

/** A question before something that cannot be taken back; `onClose` is called in any case. */
export function Question({ title, children, answer, danger = false, work, onClose }) {
  const dialog = useRef(null);
  const [error, setError] = useState(null);
  useEffect(() => dialog.current.showModal(), []);
  // A dialog that is closed before it goes gives the focus back to where it came from.
  const close = () => {
    dialog.current?.close();
    onClose();
  };
  const escaped = (event) => {
    event.preventDefault();
    close();
  };
  const did = async () => {
    await work();
    close();
  };
  return html`<dialog ref=${dialog} aria-labelledby="question" onCancel=${escaped}>
    <h2 id="question">${title}</h2>
    ${children}
    <${Problem} error=${error} />
    <div class="row">
      <button type="button" onClick=${close}>Go back</button>
      <${Act} class=${danger ? "danger" : "primary"} work=${did} onError=${setError}>${answer}<//>
    </div>
  </dialog>`;
}

/** Further things to do; the list closes when one was chosen, with Escape, and when the focus leaves it. */
export function Menu({ children }) {
  const details = useRef(null);
  const close = () => {
    details.current.open = false;
  };
  const left = ({ relatedTarget }) => relatedTarget && !details.current.contains(relatedTarget) && close();
  const chosen = () => {
    details.current.querySelector("summary").focus();
    close();
  };
  const pressed = (event) => event.key === "Escape" && chosen();
  return html`<details ref=${details} class="more" onKeyDown=${pressed} onFocusOut=${left}>
    <summary class="button">More</summary>
    <div class="menu" onClick=${chosen}>${children}</div>
  </details>`;
}

/** A labelled field; `children` is the control, whose id is `id`. */
export const Field = ({ id, label, hint, children }) =>
  html`<div>
    <label for=${id}>${label}</label>
    ${children}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
  </div>`;

export const Empty = ({ title, children }) =>
  html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/** Links to the parts of a page. */
export const Tabs = ({ label, tabs, open }) =>
  html`<nav class="tabs" aria-label=${label}>
    <ul>
      ${tabs.map(
        ([name, words, href]) =>
          html`<li key=${name}><a href=${href} aria-current=${name === open ? "page" : undefined}>${words}</a></li>`,
      )}
    </ul>
  </nav>`;

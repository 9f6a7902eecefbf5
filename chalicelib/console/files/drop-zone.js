/** A place for files: dropped, chosen, or whole folders, walked to their ends. */

import { html, useRef, useState } from "./preact.js";

/**
 * `onFiles` gets `[{path, file}]`, odd files included; `children` says what belongs here.
 */
export function DropZone({ id, label, accept, choice = "Choose files", folders = false, disabled = false, onFiles, children }) {
  const [over, setOver] = useState(false);
  const files = useRef(null);
  const folder = useRef(null);
  const chosen = (event) => {
    const input = event.currentTarget;
    const taken = [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    input.value = "";
    if (taken.length) onFiles(taken);
  };
  const dropped = async (event) => {
    event.preventDefault();
    setOver(false);
    if (disabled) return;
    const taken = await walked(event.dataTransfer);
    if (taken.length) onFiles(taken);
  };
  const heed = (event) => {
    event.preventDefault();
    setOver(!disabled);
  };
  return html`<div
    class="drop ${over ? "over" : ""}"
    role="group"
    aria-label=${label}
    onDragOver=${heed}
    onDragLeave=${() => setOver(false)}
    onDrop=${dropped}
  >
    ${children}
    ${!disabled &&
    html`<div class="row">
      <button type="button" onClick=${() => files.current.click()}>${choice}</button>
      ${folders && html`<button type="button" onClick=${() => folder.current.click()}>Choose a folder</button>`}
    </div>`}
    <input ref=${files} id=${id} type="file" multiple accept=${accept} hidden aria-label=${label} onChange=${chosen} />
    ${folders && html`<input ref=${folder} type="file" webkitdirectory hidden aria-label="Folder" onChange=${chosen} />`}
  </div>`;
}

/** Return the files that were dropped, those in folders too. */
export async function walked(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ path: file.name, file }));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed)).catch(() => null);
    if (file) found.push({ path: entry.fullPath.slice(1), file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed)).catch(() => []);
    if (!some.length) return;
    for (const one of some) await walk(one, found);
  }
}

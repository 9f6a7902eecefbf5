/** The versions of a model that were kept, each with what it brought; any of them can serve again. */

import { html, useState } from "./preact.js";
import { RUNNING } from "./models.js";
import { Act, Empty, Field, Loading, Problem, Question, announce } from "./parts.js";
import { usePolled } from "./polling.js";
import { Told } from "./report.js";
import { ask } from "./service.js";
import { moment, percent, size } from "./wording.js";

export function Versions({ model, path, onChange }) {
  const { value, error, again } = usePolled(`${path}/versions`, () => (RUNNING.includes(model.status) ? 3 : 20));
  const [problem, setProblem] = useState(null);
  const [open, setOpen] = useState(null);
  if (error?.status === 404) {
    return html`<${Empty} title="No versions here"><p>This service keeps no earlier versions of models.</p><//>`;
  }
  if (!value) return error ? html`<${Problem} error=${error} again=${again} />` : html`<${Loading} what="the versions" />`;
  if (!value.versions.length) {
    return html`<${Empty} title="No versions yet"><p>Every training that ends well keeps one. You can go back to it at any time.</p><//>`;
  }
  const changed = () => {
    again();
    onChange();
  };
  const shown = (kind, version) => setOpen({ kind, version });
  return html`
    <p class="quiet prose">Every training that ends well keeps a version. The one that serves can be changed at any time, and back.</p>
    <${Problem} error=${problem} />
    <ul class="list" aria-label="Versions, newest first">
      ${value.versions.map(
        (one) => html`<li key=${one.version}>
          <div>
            <div class="title">
              <span class="name">Version ${one.version}${one.label ? `: ${one.label}` : ""}</span>
              ${one.current && html`<span class="pill good">serving</span>`}
            </div>
            <p class="quiet small">
              ${[moment(one.created), one.base_model_version, typeof one.alpha === "number" ? `alpha ${one.alpha} (${percent(one.alpha)})` : "", one.bytes ? size(one.bytes) : ""].filter(Boolean).join(" · ")}
            </p>
            ${one.result && html`<p>${one.result}</p>`}
          </div>
          <div class="row">
            ${!one.current &&
            html`<${Act}
              class="slight"
              aria-label="Use version ${one.version}"
              work=${async () => {
                await ask("POST", `${path}/versions/${one.version}/activate`);
                announce(`Version ${one.version} serves now.`);
                changed();
              }}
              onError=${setProblem}
              >Use this<//
            >`}
            <button type="button" class="slight plain" aria-label="Report of version ${one.version}" onClick=${() => shown("report", one.version)}>Report</button>
            <button type="button" class="slight plain" aria-label="Label version ${one.version}" onClick=${() => shown("label", one.version)}>Label</button>
            ${!one.current &&
            html`<button type="button" class="slight plain" aria-label="Delete version ${one.version}" onClick=${() => shown("delete", one.version)}>Delete</button>`}
          </div>
        </li>`,
      )}
    </ul>
    ${open?.kind === "report" && html`<${OneReport} key=${open.version} path=${path} version=${open.version} />`}
    ${open?.kind === "label" && html`<${Label} path=${path} one=${value.versions.find((one) => one.version === open.version)} onDone=${changed} onClose=${() => setOpen(null)} />`}
    ${open?.kind === "delete" &&
    html`<${Question}
      title="Delete version ${open.version}?"
      answer="Delete"
      danger
      work=${async () => {
        await ask("DELETE", `${path}/versions/${open.version}`);
        changed();
      }}
      onClose=${() => setOpen(null)}
    >
      <p>It cannot be gone back to any more. The space that it takes is free again.</p>
    <//>`}
  `;
}

function OneReport({ path, version }) {
  const { value, error } = usePolled(`${path}/versions/${version}/report`, () => 600);
  return html`<h2>Report of version ${version}</h2>
    <${Problem} error=${error} />
    ${value && html`<${Told} report=${value} />`}`;
}

function Label({ path, one, onDone, onClose }) {
  const [label, setLabel] = useState(one.label ?? "");
  const work = async () => {
    await ask("PUT", `${path}/versions/${one.version}`, { json: { label } });
    onDone();
  };
  return html`<${Question} title="Label version ${one.version}" answer="Keep the label" work=${work} onClose=${onClose}>
    <${Field} id="label" label="Label" hint="Such as “before the new headsets”.">
      <input id="label" type="text" aria-describedby="label-hint" value=${label} onInput=${(event) => setLabel(event.target.value)} />
    <//>
  <//>`;
}

/** The recordings of a model: added by dropping them here, listed with what was found. */

import { html, useEffect, useReducer, useState } from "./preact.js";
import { DropZone } from "./drop-zone.js";
import { contentType, nameInModel, whyNot } from "./kinds.js";
import { RUNNING } from "./models.js";
import { Notice, Problem, Progress, Question, Status, announce } from "./parts.js";
import { ask, encoded } from "./service.js";
import { Uploads } from "./uploads.js";
import { counted, duration, listed, size, some } from "./wording.js";

export const LEAST_MINUTES = 10;
const MOST_SHOWN = 200;
const MOST_UNDER_WAY = 12;

export function Audio({ model, path, audio, onChange }) {
  const [odd, setOdd] = useState("");
  const uploads = useUploads(path, onChange);
  const running = RUNNING.includes(model.status);
  const there = audio.value?.audio ?? [];
  const add = (taken) => {
    const sorted = sort(taken, there, uploads.entries);
    setOdd(sorted.said);
    announce(`${counted(sorted.good.length, "file")} to upload. ${sorted.said}`);
    uploads.add(sorted.good);
  };
  return html`
    <${Enough} minutes=${audio.value?.total_minutes_of_audio} resources=${there} />
    ${running
      ? html`<p class="quiet">While the model is being trained, recordings can be neither added nor deleted.</p>`
      : html`<${DropZone} id="recordings" label="Add recordings" folders onFiles=${add}>
      <h2>Drop recordings here</h2>
      <p class="quiet">Files, whole folders, or zip archives. WAV, FLAC, MP3, Ogg, Opus, WebM; up to 100 MB each.</p>
      ${audio.value && !there.length && html`<p class="quiet">Everyday recordings teach most: real calls, the real room, with its noise. Nobody needs to write them down.</p>`}
    <//>`}
    ${odd && html`<${Notice} kind="warn"><p>${odd}</p><//>`}
    <${UnderWay} uploads=${uploads} />
    <${Problem} error=${audio.error} again=${audio.again} />
    ${there.length > 0 && html`<${Resources} resources=${there} path=${path} fixed=${running} onChange=${onChange} />`}
  `;
}

/** Uploads by the path of their model: they go on while other pages are looked at. */
const kept = new Map();

addEventListener("beforeunload", (event) => {
  if ([...kept.values()].some((uploads) => uploads.open.length)) event.preventDefault();
});

function useUploads(path, onChange) {
  const [, changed] = useReducer((number) => number + 1, 0);
  if (!kept.has(path)) {
    kept.set(
      path,
      new Uploads((entry) => ({ path: `${path}/audio/${encoded(entry.name)}`, type: contentType(entry.file.name) })),
    );
  }
  const uploads = kept.get(path);
  useEffect(() => {
    let frame = 0;
    // Of thousands of files something moves all the time: once for each picture is enough.
    const drawn = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        changed();
      });
    };
    const leave = uploads.tell(drawn, onChange);
    return () => {
      cancelAnimationFrame(frame);
      leave();
    };
  }, [uploads]);
  return uploads;
}

/** Return what is to be sent, and a sentence about what is not. */
function sort(taken, there, underWay) {
  const known = new Set([...there.filter((one) => one.status !== "invalid"), ...underWay].map((one) => one.name));
  const reasons = new Map();
  const good = [];
  const present = [];
  for (const { path, file } of taken) {
    const name = nameInModel(path);
    const reason = whyNot(file);
    if (reason) {
      if (!reasons.has(reason)) reasons.set(reason, []);
      reasons.get(reason).push(path);
    } else if (known.has(name)) present.push(name);
    else {
      known.add(name);
      good.push({ name, file });
    }
  }
  const sentences = [...reasons].map(([reason, paths]) => `${some(paths)} (${reason})`);
  const said = [
    sentences.length ? `Left out: ${listed(sentences)}.` : "",
    present.length ? `Already there, and not sent again: ${some(present)}.` : "",
  ];
  return { good, said: said.filter(Boolean).join(" ") };
}

function Enough({ minutes, resources }) {
  if (minutes === undefined || !resources.length) return null;
  const checked = resources.filter((one) => one.status === "being_processed").length;
  const invalid = resources.filter((one) => one.status === "invalid").length;
  const notes = [
    checked ? `${counted(checked, "upload")} being checked` : "",
    invalid ? `${counted(invalid, "upload")} invalid` : "",
  ].filter(Boolean);
  return html`<section class="card" aria-label="Audio for training">
    <div class="head">
      <h2>${minutes.toFixed(1)} minutes of valid audio</h2>
      <p class="quiet small">
        ${minutes >= LEAST_MINUTES
          ? "Enough to train. More helps, up to some hours."
          : `${(LEAST_MINUTES - minutes).toFixed(1)} more are needed to train.`}
      </p>
    </div>
    <${Progress} label="Audio, of the least that a training needs" percent=${Math.min(100, (100 * minutes) / LEAST_MINUTES)} />
    ${notes.length > 0 && html`<p class="small quiet" role="status">${listed(notes)}</p>`}
  </section>`;
}

function UnderWay({ uploads }) {
  const { entries } = uploads;
  if (!entries.length) return null;
  const sent = entries.filter((entry) => entry.state === "sent").length;
  const refused = entries.filter((entry) => entry.state === "refused");
  const moving = entries.filter((entry) => ["sending", "pausing"].includes(entry.state));
  const bytes = entries.reduce((sum, entry) => sum + entry.file.size, 0);
  const done = entries.reduce((sum, entry) => sum + (entry.state === "sent" ? entry.file.size : Math.min(entry.sent, entry.file.size)), 0);
  const open = uploads.open.length;
  const shown = [...refused, ...moving].slice(0, MOST_UNDER_WAY);
  return html`<section class="card" aria-label="Uploads">
    <div class="head">
      <h2>${open ? `Uploading ${counted(entries.length, "file")}` : `Uploaded ${counted(sent, "file")}`}</h2>
      ${open
        ? html`<button type="button" class="slight" onClick=${() => uploads.stop()}>Stop uploading</button>`
        : html`<button type="button" class="slight plain" onClick=${() => uploads.clear()}>Done</button>`}
    </div>
    <${Progress} label="All uploads" percent=${bytes ? (100 * done) / bytes : 0} />
    <p class="small quiet" role="status">${sent} of ${entries.length} there · ${size(bytes)} in all</p>
    ${shown.length > 0 &&
    html`<ul class="stack files">
      ${shown.map(
        (entry) => html`<li key=${entry.name} class="tight">
          <div class="head"><span>${entry.name}</span><span class="quiet small number">${size(entry.file.size)}</span></div>
          ${entry.state === "refused"
            ? html`<p class="finding">${entry.message}</p>
                <button type="button" class="slight" onClick=${() => uploads.again(entry)}>Send again</button>`
            : html`<${Progress} label=${entry.name} percent=${(100 * entry.sent) / entry.file.size} />`}
          ${entry.state === "pausing" && html`<p class="small quiet" role="status">${entry.message}</p>`}
        </li>`,
      )}
    </ul>`}
  </section>`;
}

function Resources({ resources, path, fixed, onChange }) {
  const [most, setMost] = useState(MOST_SHOWN);
  const [leaving, setLeaving] = useState(null);
  // What needs a look comes first; otherwise the newest.
  const sorted = resources.toReversed().sort((a, b) => (b.status === "invalid") - (a.status === "invalid"));
  return html`<section class="stack" aria-label="Recordings in the model">
    <h2>${counted(resources.length, "upload")} in the model</h2>
    <ul class="list">
      ${sorted.slice(0, most).map(
        (one) => html`<${Resource} key=${one.name} one=${one} path=${path} fixed=${fixed} onDelete=${() => setLeaving(one)} />`,
      )}
    </ul>
    ${sorted.length > most && html`<button type="button" onClick=${() => setMost(most + MOST_SHOWN)}>Show more</button>`}
    ${leaving &&
    html`<${Question}
      title="Delete ${leaving.name}?"
      answer="Delete"
      danger
      work=${async () => {
        await ask("DELETE", `${path}/audio/${encoded(leaving.name)}`);
        onChange();
      }}
      onClose=${() => setLeaving(null)}
    >
      <p>The recording is deleted for good. What the model has learned from it stays until it is trained again.</p>
    <//>`}
  </section>`;
}

function Resource({ one, path, fixed, onDelete }) {
  const { type, codec, frequency, channels } = one.details;
  const known = one.status !== "being_processed" && type !== "undetermined";
  const facts = [
    known && one.duration ? duration(one.duration) : "",
    known && one.speech_seconds ? `${duration(one.speech_seconds)} of it speech` : "",
    codec,
    frequency ? `${frequency / 1000} kHz` : "",
    channels > 1 ? `${channels} channels` : "",
  ].filter(Boolean);
  return html`<li>
    <div>
      <span class="name">${one.name}</span>
      <p class="quiet small">${facts.join(" · ")}</p>
    </div>
    <div class="row">
      <${Status} of=${one.status} />
      <button type="button" class="plain slight" disabled=${fixed} aria-label="Delete ${one.name}" onClick=${onDelete}>Delete</button>
    </div>
    ${one.error && html`<p class="finding all">${one.error}</p>`}
    ${type === "archive" && html`<${Members} name=${one.name} path=${path} invalid=${one.status === "invalid"} />`}
  </li>`;
}

/** The findings of an archive's members, looked up when somebody wants them. */
function Members({ name, path, invalid }) {
  const [members, setMembers] = useState(null);
  const [warning, setWarning] = useState("");
  const [error, setError] = useState(null);
  const look = async (event) => {
    if (!event.currentTarget.open || members) return;
    try {
      const found = await ask("GET", `${path}/audio/${encoded(name)}`);
      setMembers(found.audio);
      setWarning(found.container.warning ?? "");
    } catch (failure) {
      setError(failure);
    }
  };
  const wrong = members?.filter((one) => one.status !== "ok") ?? [];
  const right = members?.filter((one) => one.status === "ok") ?? [];
  return html`<details class="all" onToggle=${look}>
    <summary>${invalid ? "What is wrong in it" : "What is in it"}</summary>
    <${Problem} error=${error} />
    ${warning && html`<p class="small">${warning}</p>`}
    ${members &&
    html`<p class="small quiet">${counted(right.length, "valid recording")}${wrong.length ? `, ${wrong.length} invalid` : ""}.</p>
      <ul class="tight small members">
        ${[...wrong, ...right].slice(0, MOST_SHOWN).map(
          (one) => html`<li key=${one.name}>
            ${one.name}${one.error ? html`: <span class="finding">${one.error}</span>` : html` <span class="quiet">${duration(one.duration)}</span>`}
          </li>`,
        )}
      </ul>`}
  </details>`;
}

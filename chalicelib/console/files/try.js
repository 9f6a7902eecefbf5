/** Trying a model: a recording or the microphone, with base and custom model side by side. */

import { html, useEffect, useRef, useState } from "./preact.js";
import { differing } from "./differences.js";
import { DropZone } from "./drop-zone.js";
import { recordingType } from "./kinds.js";
import { Marked } from "./marked.js";
import { microphone } from "./microphone.js";
import { serves } from "./models.js";
import { Field, Heading, Notice, Problem, announce } from "./parts.js";
import { usePolled } from "./polling.js";
import { recognition, sendFile } from "./recognition.js";
import { percent } from "./wording.js";

const NOTHING = { finals: [], interim: "", error: "", over: false };

export function Try({ path: [chosen = ""] }) {
  const { value: acoustic, error } = usePolled("acoustic_customizations", () => 30);
  const { value: language } = usePolled("customizations", () => 30);
  const { value: bases } = usePolled("models", () => 600);
  const [choice, setChoice] = useState({ custom: chosen, base: "", texts: "" });
  const run = useRun();
  const models = (acoustic?.customizations ?? []).filter(serves);
  const custom = models.find((one) => one.customization_id === choice.custom);
  const base = custom?.base_model_name || choice.base || bases?.models[0]?.name || "";
  const texts = (language?.customizations ?? []).filter(
    (one) => one.base_model_name === base && !["pending", "ready"].includes(one.status),
  );
  const shared = { model: base, language_customization_id: texts.some((one) => one.customization_id === choice.texts) ? choice.texts : "" };
  const queries = custom
    ? [
        ["Base model", { ...shared, base_model_version: shared.language_customization_id ? "" : custom.versions.at(-1) }],
        [custom.name, { ...shared, acoustic_customization_id: custom.customization_id }],
      ]
    : [[base, shared]];
  const set = (name) => (event) => setChoice({ ...choice, [name]: event.target.value });
  return html`
    <div class="prose tight">
      <${Heading} title="Try it" />
      <p class="quiet">Say something or drop a recording, and read the words as they come. Nothing of it is kept.</p>
    </div>
    <${Problem} error=${error} />
    <section class="card" aria-label="What recognises">
      <div class="columns">
        <${Field} id="custom" label="Model">
          <select id="custom" value=${choice.custom} disabled=${run.going} onChange=${set("custom")}>
            <option value="">A base model alone</option>
            ${models.map((one) => html`<option key=${one.customization_id} value=${one.customization_id}>${one.name}, beside its base</option>`)}
          </select>
        <//>
        ${!custom &&
        html`<${Field} id="try-base" label="Base model">
          <select id="try-base" value=${base} disabled=${run.going} onChange=${set("base")}>
            ${(bases?.models ?? []).map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}
          </select>
        <//>`}
        ${texts.length > 0 &&
        html`<${Field} id="texts" label="Language model">
          <select id="texts" value=${choice.texts} disabled=${run.going} onChange=${set("texts")}>
            <option value="">None</option>
            ${texts.map((one) => html`<option key=${one.customization_id} value=${one.customization_id}>${one.name}</option>`)}
          </select>
        <//>`}
      </div>
    </section>
    <${DropZone} id="recording" label="A recording to recognise" choice="Choose a recording" disabled=${run.going || !base} onFiles=${([{ file }]) => run.file(file, queries)}>
      <p>
        ${run.microphone
          ? html`<button type="button" class="danger" onClick=${run.stop}>Stop listening</button>`
          : html`<button type="button" class="primary" disabled=${run.going || !base} onClick=${() => run.speak(queries)}>Use the microphone</button>`}
      </p>
      <p class="quiet">${run.going ? run.doing : "or drop a recording here"}</p>
    <//>
    <${Problem} error=${run.error} />
    ${run.heard.length > 0 && html`<${Heard} heard=${run.heard} going=${run.going} />`}
  `;
}

/** What is going on: nothing, a file, or the microphone; and the words so far of each model. */
function useRun() {
  const [heard, setHeard] = useState([]);
  const [doing, setDoing] = useState("");
  const [error, setError] = useState(null);
  const open = useRef({ recognitions: [], microphone: null });

  const begin = async (queries, contentType) => {
    setError(null);
    setHeard(queries.map(([name]) => ({ name, ...NOTHING })));
    const told = (at) => (state) => setHeard((all) => all.map((one, place) => (place === at ? { ...one, ...state } : one)));
    const made = await Promise.allSettled(queries.map(([, query], at) => recognition(query, contentType, told(at))));
    const opened = made.filter((one) => one.status === "fulfilled").map((one) => one.value);
    open.current.recognitions = opened;
    const refused = made.find((one) => one.status === "rejected");
    if (refused) {
      for (const one of opened) one.close();
      throw refused.reason;
    }
    return opened;
  };
  const fail = (failure) => {
    setDoing("");
    setHeard([]);
    setError(failure);
  };
  const file = async (recording, queries) => {
    setDoing(`Listening to ${recording.name} …`);
    try {
      await sendFile(recording, await begin(queries, recordingType(recording.name)));
    } catch (failure) {
      fail(failure);
    }
  };
  const speak = async (queries) => {
    setDoing("Listening to you …");
    const early = [];
    let opened = null;
    try {
      const line = await microphone((bytes) => {
        if (opened) for (const one of opened) one.send(bytes);
        else early.push(bytes);
      });
      open.current.microphone = line;
      const made = await begin(queries, line.contentType);
      for (const bytes of early) for (const one of made) one.send(bytes);
      opened = made;
    } catch (failure) {
      await silence();
      fail(failure);
    }
  };
  const silence = async () => {
    await open.current.microphone?.close();
    open.current.microphone = null;
  };
  const stop = async () => {
    setDoing("Hearing the last words …");
    await silence();
    for (const one of open.current.recognitions) one.stop();
  };
  const over = heard.length > 0 && heard.every((one) => one.over);
  useEffect(() => {
    if (!over) return;
    silence();
    setDoing("");
    announce(`Heard: ${heard.map((one) => `${one.name}: ${one.finals.map((final) => final.text).join(" ")}`).join(". ")}`);
  }, [over]);
  useEffect(
    () => () => {
      silence();
      for (const one of open.current.recognitions) one.close();
    },
    [],
  );
  return { heard, doing, error, going: doing !== "", microphone: doing === "Listening to you …", file, speak, stop };
}

const said = (one) => one.finals.map((final) => final.text).join(" ");

function confidence(one) {
  const known = one.finals.filter((final) => typeof final.confidence === "number" && final.text);
  if (!known.length) return "";
  const weight = known.reduce((sum, final) => sum + final.text.length, 0);
  return `${percent(known.reduce((sum, final) => sum + final.confidence * final.text.length, 0) / weight)} sure`;
}

function Heard({ heard, going }) {
  const both = heard.length === 2 && heard.every((one) => said(one));
  const marked = both ? differing(said(heard[0]), said(heard[1])) : heard.map((one) => said(one).split(" ").map((word) => [word, false]));
  const changed = both ? marked[1].filter(([, differs]) => differs).length + marked[0].filter(([, differs]) => differs).length : 0;
  return html`<div class="columns">
      ${heard.map(
        (one, at) => html`<section class="card" key=${at} aria-label=${one.name}>
          <div class="head"><h2>${one.name}</h2><span class="quiet small">${confidence(one)}</span></div>
          <p class="words">
            <${Marked} pairs=${marked[at]} />${one.interim && html` <span class="interim">${one.interim}</span>`}
            ${!said(one) && !one.interim && html`<span class="quiet">${one.over ? "No words were heard." : "…"}</span>`}
          </p>
          ${one.error && html`<${Notice} kind="bad"><p>${one.error}</p><//>`}
        </section>`,
      )}
    </div>
    ${heard.length === 2 &&
    !going &&
    html`<p class="quiet">
      ${changed ? "Words in which the two differ are marked. Which of them is right, only you can tell." : "Both heard the same words."}
    </p>`}`;
}

'use strict';
// The whole life of a custom language model: corpora in every form, words, grammars, training, recognition.
const fs = require('fs');
const { run } = require('./scenario');

const BROKEN = '#ABNF 1.0;\nroot $a;\n$a = (one;\n';

run(async (client, { name, baseModelName, text, textFile, grammar, audioFile }) => {
  const made = await client.createLanguageModel({ name, baseModelName, dialect: 'en-US', description: 'from Node' });
  const model = { customizationId: made.result.customization_id };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
  const settled = async (get, isBusy) => {
    for (;;) {
      const { result } = await get();
      if (!isBusy(result)) return result;
      await pause();
    }
  };
  const analysed = (get) => settled(get, (one) => one.status === 'being_processed');
  const idle = () => settled(() => client.getLanguageModel(model), (one) => ['pending', 'training', 'upgrading'].includes(one.status));
  const refusal = (call) => call.then(() => null, (error) => ({ code: error.code, message: error.message }));
  const corpus = async (corpusName, corpusFile, more) => {
    await client.addCorpus({ ...model, corpusName, corpusFile, ...more });
    return analysed(() => client.getCorpus({ ...model, corpusName }));
  };

  const corpora = {
    buffer: await corpus('buffer', Buffer.from(text)),
    stream: await corpus('stream', fs.createReadStream(textFile)),
    string: await corpus('string', text),
    binary: await corpus('binary', Buffer.from([0, 255, 1, 254, 10])),
    utf16: await corpus('utf16', Buffer.from(`\ufeff${text}`, 'utf16le')),
  };
  const repeated = await refusal(client.addCorpus({ ...model, corpusName: 'buffer', corpusFile: Buffer.from(text) }));
  const overwritten = await corpus('buffer', Buffer.from(text), { allowOverwrite: true });
  const { result: listedCorpora } = await client.listCorpora(model);

  await client.addWords({ ...model, words: [{ word: 'zorblax', sounds_like: ['zor blacks'], display_as: 'ZORBLAX' }] });
  await idle();
  await client.addWord({ ...model, wordName: 'attune', soundsLike: ['a tune'], displayAs: 'Attune' });
  await client.addWord({ ...model, wordName: 'and/or', soundsLike: ['and or'] });
  const tooLong = await refusal(client.addWord({ ...model, wordName: 'long', soundsLike: ['b'.repeat(41)] }));
  const { result: slashed } = await client.getWord({ ...model, wordName: 'and/or' });
  await client.deleteWord({ ...model, wordName: 'and/or' });
  const gone = await refusal(client.getWord({ ...model, wordName: 'and/or' }));
  const { result: { words } } = await client.listWords({ ...model, wordType: 'all', sort: '+alphabetical' });

  const grammarOf = async (grammarName, grammarFile) => {
    await client.addGrammar({ ...model, grammarName, grammarFile, contentType: 'application/srgs' });
    return analysed(() => client.getGrammar({ ...model, grammarName }));
  };
  const grammars = { good: await grammarOf('good', grammar), broken: await grammarOf('broken', Buffer.from(BROKEN)) };
  const { result: listedGrammars } = await client.listGrammars(model);

  const strict = await refusal(client.trainLanguageModel(model));
  for (const corpusName of ['binary', 'utf16']) await client.deleteCorpus({ ...model, corpusName });
  const { result: warned } = await client.trainLanguageModel({ ...model, wordTypeToAdd: 'all', customizationWeight: 0.5, strict: false });
  const trained = await idle();
  const recognised = (more) => client
    .recognize({ audio: fs.createReadStream(audioFile), contentType: 'audio/wav', model: baseModelName, languageCustomizationId: model.customizationId, ...more })
    .then(({ result }) => result.results.map((one) => one.alternatives[0].transcript.trim()).join(' '));
  const heard = { plain: await recognised({}), grammar: await recognised({ grammarName: 'good' }) };
  const newest = await refusal(client.upgradeLanguageModel(model));
  await client.deleteGrammar({ ...model, grammarName: 'broken' });
  await client.resetLanguageModel(model);
  const { result: described } = await client.getLanguageModel(model);
  const { result: { customizations } } = await client.listLanguageModels({ language: 'en-US' });
  await client.deleteLanguageModel(model);
  const deleted = await refusal(client.getLanguageModel(model));
  return {
    ...model, corpora, repeated, overwritten, listedCorpora, tooLong, slashed, gone, words, grammars, listedGrammars,
    strict, warned, trained, heard, newest, described, ids: customizations.map((one) => one.customization_id), deleted,
  };
});

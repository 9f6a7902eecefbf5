'use strict';
const { run } = require('./scenario');

run(async (client, { name, baseModelName, text }) => {
  const { result: { customization_id: customizationId } } = await client.createLanguageModel({ name, baseModelName });
  const model = { customizationId };
  const corpusName = 'calls';
  await client.addCorpus({ ...model, corpusName, corpusFile: Buffer.from(text) });
  let corpus;
  do {
    await new Promise((resolve) => setTimeout(resolve, 100));
    corpus = (await client.getCorpus({ ...model, corpusName })).result;
  } while (corpus.status === 'being_processed');
  await client.addWord({ ...model, wordName: 'attune', soundsLike: ['a tune'], displayAs: 'Attune' });
  const { result: { words } } = await client.listWords({ ...model, sort: '-count' });
  const { result: described } = await client.getLanguageModel(model);
  await client.deleteLanguageModel(model);
  return { customizationId, corpus, words, described };
});

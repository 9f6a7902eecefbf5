'use strict';
const fs = require('fs');
const { run } = require('./scenario');

run(async (client, { file, name, baseModelName }) => {
  const { result: { customization_id: customizationId } } = await client.createAcousticModel({ name, baseModelName });
  const model = { customizationId };
  const audioName = 'one recording';
  await client.addAudio({ ...model, audioName, audioResource: fs.createReadStream(file), contentType: 'audio/wav' });
  let audio;
  do {
    await new Promise((resolve) => setTimeout(resolve, 100));
    audio = (await client.getAudio({ ...model, audioName })).result;
  } while (audio.status === 'being_processed');
  const { result: listed } = await client.listAudio(model);
  const refused = await client.trainAcousticModel(model).catch((error) => ({ code: error.code, message: error.message }));
  await client.deleteAudio({ ...model, audioName });
  await client.resetAcousticModel(model);
  const { result: described } = await client.getAcousticModel(model);
  const { result: { customizations } } = await client.listAcousticModels({ language: 'en-US' });
  await client.deleteAcousticModel(model);
  return { customizationId, audio, listed, refused, described, ids: customizations.map((one) => one.customization_id) };
});

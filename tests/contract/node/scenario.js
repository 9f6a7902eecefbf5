'use strict';
// What every scenario starts from: IBM's client for the service in the environment, and the options that the test
// sends to standard input. A scenario's value, or its error, goes to standard output as JSON.

const fs = require('fs');
const SpeechToTextV1 = require('ibm-watson/speech-to-text/v1');
const { BasicAuthenticator, BearerTokenAuthenticator, IamAuthenticator } = require('ibm-watson/auth');

function client(authentication) {
  const { ATTUNE_URL: serviceUrl, ATTUNE_KEY: password } = process.env;
  const disableSslVerification = true;
  let authenticator;
  if (authentication === 'iam') {
    authenticator = new IamAuthenticator({ apikey: password, url: serviceUrl, disableSslVerification });
  } else if (authentication === 'wrong') {
    authenticator = new BearerTokenAuthenticator({ bearerToken: 'wrong' });
  } else {
    authenticator = new BasicAuthenticator({ username: 'apikey', password });
  }
  return new SpeechToTextV1({ authenticator, serviceUrl, disableSslVerification });
}

exports.run = async (scenario) => {
  const options = JSON.parse(fs.readFileSync(0, 'utf8'));
  let outcome;
  try {
    outcome = { value: await scenario(client(options.authentication), options) };
  } catch (error) {
    outcome = { error: { code: error.code, message: error.message } };
  }
  process.stdout.write(JSON.stringify(outcome));
  process.exit(0);
};

import {
  booleanOption,
  choiceOption,
  defineOptions,
  integerOption,
  secondsOption,
  sizeOption,
  stringOption,
} from '@millrace/core';

const secret = stringOption({
  optional: true,
  minLength: 1,
  secret: true,
  description: 'Key of the signature: the HMAC-SHA256 of the body',
});

const signatureHeader = stringOption({
  default: 'X-Hub-Signature-256',
  minLength: 1,
  description: 'Header that holds the signature, `sha256=` and hexadecimal digits',
});

export const restSinkOptions = defineOptions('rest', {
  method: choiceOption({
    choices: ['POST', 'PUT', 'PATCH'],
    default: 'POST',
    description: 'Method of the requests',
  }),
  headers: stringOption({
    optional: true,
    secret: true,
    description: 'Headers of every request, `Name: value`, one per line',
  }),
  secret,
  signatureHeader,
  timeout: secondsOption({ default: 10, min: 0.001, max: 3600, description: 'Longest wait for an answer' }),
  concurrency: integerOption({
    default: 1,
    min: 1,
    max: 1000,
    description: 'Requests under way at once; with more than one, messages may arrive in another order',
  }),
  maxRetryAfter: secondsOption({
    default: 300,
    max: 86_400,
    description: 'A longer `Retry-After` of the target is taken for this',
  }),
  tls: booleanOption({ default: false, description: 'For `rest:` URLs: HTTPS instead of HTTP' }),
});

export const restSourceOptions = defineOptions('rest', {
  secret,
  signatureHeader,
  headers: stringOption({
    optional: true,
    minLength: 1,
    description: 'Headers of a request that its message keeps: names with commas between',
  }),
  maxBody: sizeOption({ default: '1MiB', min: '1', max: '1GiB', description: 'A larger request is refused' }),
  maxWaitingBytes: sizeOption({
    default: '64MiB',
    min: '1',
    description: 'Bodies of all requests that are not answered yet; a request beyond it is answered 503, unread',
  }),
  answerTimeout: secondsOption({
    default: 30,
    min: 0.001,
    max: 3600,
    description: 'A request whose message is not done with by then is answered 503; its message may come again',
  }),
});

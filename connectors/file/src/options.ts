import { booleanOption, choiceOption, defineOptions, stringOption } from '@millrace/core';

const lines = choiceOption({
  choices: ['values', 'messages'],
  default: 'values',
  description:
    'What a line is: the value alone, so that keys and headers are not kept, or an object with `key`, `value` and `headers`',
});

export const fileSinkOptions = defineOptions('file', {
  lines,
  fsync: booleanOption({
    default: false,
    description: 'Wait until the disk has it: what was published then survives the machine, not only the process',
  }),
});

export const fileSourceOptions = defineOptions('file', {
  lines,
  follow: booleanOption({
    default: false,
    description: 'Wait at the end of the file for what is appended; otherwise the subscriber ends there',
  }),
  from: choiceOption({
    choices: ['start', 'end'],
    default: 'start',
    description: 'Where reading begins, unless `position` says it',
  }),
  position: stringOption({
    optional: true,
    minLength: 1,
    description: 'File that keeps how far the lines are acknowledged, for the next subscriber to go on there',
  }),
});

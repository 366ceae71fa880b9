import { expect, it } from 'vitest';
import type { Message } from '@millrace/core';
import { ScriptedTarget } from './scripted-target.ts';

it.each([
  [undefined, 'message'],
  [{ key: 5, value: 1 }, 'key'],
  [{ key: {}, value: 1 }, 'key'],
  [{ value: 1, headers: 'no' }, 'headers'],
  [{ value: 1, headers: null }, 'headers'],
  [{ value: 1, headers: { trace: 5 } }, 'headers.trace'],
])('refuses %j, which types would not allow', async (message, field) => {
  const publisher = await new ScriptedTarget().publisher();
  const error = { code: 'INVALID_ARGUMENT', details: { field } };
  await expect(publisher.publish(message as unknown as Message)).rejects.toMatchObject(error);
  await expect(publisher.enqueue(message as unknown as Message)).rejects.toMatchObject(error);
  expect(publisher.details().offered).toBe(0);
  await publisher.close();
});

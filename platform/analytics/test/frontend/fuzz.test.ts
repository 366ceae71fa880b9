import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startFrontend, TAG, type TestFrontend } from './support/frontend.ts';

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly parameters: readonly { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Generated {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** A value that the schema allows, or nearly so. */
function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  const { type, anyOf, properties, items, examples = [] } = schema;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(valueOf));
  if (properties !== undefined) {
    return fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, mostly(valueOf(inner))])),
    );
  }
  if (items !== undefined) return fc.array(valueOf(items), { maxLength: 4 });
  if (type === 'integer') return fc.integer({ min: schema.minimum ?? -(2 ** 40), max: schema.maximum ?? 2 ** 40 });
  if (examples.length > 0) return fc.constantFrom(...examples);
  return fc.string({ unit: 'grapheme', maxLength: 20 });
}

/** Now and then something else entirely. */
const mostly = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary }, { weight: 1, arbitrary: fc.anything() });

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const HEADER_TEXT = fc.string({ unit: fc.constantFrom(...' !abcXYZ019;=/,"'.split('')), maxLength: 30 });

function requestFor(path: string, method: string, operation: Operation): fc.Arbitrary<Generated> {
  const parts = operation.parameters.map(({ name, in: place, required = false, schema }) =>
    fc
      .tuple(mostly(valueOf(schema)), fc.nat({ max: 9 }))
      .map(([value, chance]) => ({ name, place, value, given: place === 'path' || chance < (required ? 9 : 5) })),
  );
  const contents = Object.entries(operation.requestBody?.content ?? { 'application/json': { schema: {} } });
  const body = fc.oneof(
    ...contents.map(([type, { schema }]) => fc.tuple(fc.constant(type), mostly(valueOf(schema)).map(asText))),
    fc.tuple(HEADER_TEXT, fc.string()),
  );
  return fc.record({ values: fc.tuple(...parts), body, extra: fc.nat({ max: 20 }) }).map(({ values, body, extra }) => {
    let filled = path;
    const query: string[] = extra === 0 ? ['%ff=%'] : [];
    const headers: Record<string, string> = {};
    for (const { name, place, value, given } of values) {
      if (!given) continue;
      const all = (Array.isArray(value) ? value : [value]).map((item) =>
        encodeURIComponent(asText(item).toWellFormed()),
      );
      if (place === 'path') filled = filled.replace(`{${name}}`, all[0] ?? '');
      else if (place === 'query') query.push(...all.map((item) => `${name}=${item}`));
      else
        headers[name] = asText(value)
          .replaceAll(/[^ -~]/g, '')
          .trim();
    }
    const sent = method === 'get' ? undefined : body[1].toWellFormed();
    if (sent !== undefined) headers['content-type'] = body[0].trim() === '' ? 'text/plain' : body[0].trim();
    return { method: method.toUpperCase(), path: `${filled}?${query.join('&')}`, headers, body: sent };
  });
}

async function operations({ request }: TestFrontend): Promise<[string, string, Operation][]> {
  const document = (await (await request('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  );
}

describe('the HTTP interface', () => {
  it('answers whatever its own document lets one ask: no 5xx, only documented statuses, every error coded', async () => {
    const test = await startFrontend();
    await test.store({}, { action: 'BUY' });
    const seen = new Set<string>();
    for (const [path, method, operation] of await operations(test)) {
      await fc.assert(
        fc.asyncProperty(requestFor(path, method, operation), async ({ path: target, body, ...init }) => {
          const response = await test.request(target, { ...init, ...(body !== undefined && { body }) });
          const text = await response.text();
          expect(response.status, text).toBeLessThan(500);
          seen.add(`${method} ${path} ${response.status}`);
          if (response.status < 400) return;
          expect((JSON.parse(text) as { error: unknown }).error).toMatchObject({
            code: expect.stringMatching(/^[A-Z_]+$/) as string,
            message: expect.stringMatching(/./) as string,
          });
          // A generated path parameter may be empty or hold a path of its own.
          if (response.status !== 404 && response.status !== 405) {
            expect(Object.keys(operation.responses)).toContain(String(response.status));
          }
        }),
        { numRuns: 60 },
      );
    }
    // The generator must reach what lies behind the checks, too.
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'post /user_tags 204',
        'post /user_tags 400',
        'post /user_tags 415',
        'post /user_tags/batch 200',
        'get /aggregates 200',
        'get /aggregates 400',
        'post /user_profiles/{cookie} 200',
        'get /admin/dead-letters 200',
      ]),
    );
  });

  it('survives any bytes as a tag', async () => {
    const test = await startFrontend();
    const text = Buffer.from(JSON.stringify(TAG));
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const body = Uint8Array.from(text);
        body[at] = byte;
        const headers = { 'content-type': 'application/json' };
        const response = await test.request('/user_tags', { method: 'POST', headers, body });
        expect([204, 400]).toContain(response.status);
        await response.text();
      }),
      { numRuns: 500 },
    );
  });
});

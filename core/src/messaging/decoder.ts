import type { JsonValue, Message } from '../publisher.ts';
import { autoPackage, plainDeserialize, smartDeserialize } from './packaging.ts';
import type { Received } from './source.ts';
import type { SubscriberValues } from './subscriber-options.ts';

/** Makes messages of what came in. */
export class Decoder {
  readonly #values: SubscriberValues;
  readonly #subscriber: string;
  readonly #source: string;
  /** Values that were wrapped. */
  packaged = 0;

  constructor(values: SubscriberValues, subscriber: string, source: string) {
    this.#values = values;
    this.#subscriber = subscriber;
    this.#source = source;
  }

  /** Undefined when it is to be skipped. */
  decode({ key, headers, body, value: given }: Received): Message | undefined {
    let value = given === undefined ? this.#valueOf(body) : given;
    if (!this.#values.preserveRawOnError && typeof body !== 'string' && isUndecodable(value)) return undefined;
    if (this.#values.autoPackageNonDict) value = this.#package(value);
    if (key === undefined) return headers === undefined ? { value } : { value, headers };
    return headers === undefined ? { key, value } : { key, value, headers };
  }

  #valueOf(body: string | Uint8Array): JsonValue {
    return this.#values.decode === 'smart' ? smartDeserialize(body) : plainDeserialize(body);
  }

  #package(value: JsonValue): JsonValue {
    const { packageWrapperKey: wrapperKey, addPackageMetadata: addMetadata } = this.#values;
    const packaged = autoPackage(value, {
      wrapperKey,
      addMetadata,
      subscriber: this.#subscriber,
      source: this.#source,
    });
    if (packaged !== value) this.packaged++;
    return packaged;
  }
}

function isUndecodable(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && '_error' in value && '_auto_packaged' in value;
}

import { FIELD, FIELD_TYPES, MESSAGE_HEADER_BYTES } from './constants.ts';
import { CommandError, RESULT } from './result-code.ts';

const ABSENT = -1;

/**
 * A view of one message in the buffer it arrived in. The object is used again for the next message, so whatever must
 * outlive the command has to be copied out.
 */
export class Message {
  bytes: Buffer = Buffer.alloc(0);
  info1 = 0;
  info2 = 0;
  info3 = 0;
  generation = 0;
  ttl = 0;
  operationCount = 0;
  /** Where the operations start, and where the message ends. */
  operationsAt = 0;
  end = 0;
  /** The record's digest, one character a byte; a row of a batch brings its own. */
  digest = '';
  /** The filter of a whole batch, for rows without one of their own. */
  fallbackFilter: Buffer | undefined;
  readonly #starts = new Int32Array(FIELD_TYPES).fill(ABSENT);
  readonly #ends = new Int32Array(FIELD_TYPES);

  /** @throws CommandError when the lengths in the message do not add up */
  read(bytes: Buffer, at: number, end: number): void {
    if (end - at < MESSAGE_HEADER_BYTES) throw malformed();
    this.bytes = bytes;
    this.info1 = bytes[at + 1]!;
    this.info2 = bytes[at + 2]!;
    this.info3 = bytes[at + 3]!;
    this.generation = bytes.readUInt32BE(at + 6);
    this.ttl = bytes.readUInt32BE(at + 10);
    this.operationCount = bytes.readUInt16BE(at + 20);
    this.end = end;
    this.operationsAt = this.readFields(at + bytes[at]!, bytes.readUInt16BE(at + 18));
    this.digest = this.text(FIELD.digest);
  }

  /** Notes where the fields are and returns where they end. */
  readFields(at: number, count: number): number {
    const { bytes } = this;
    this.#starts.fill(ABSENT);
    let position = at;
    for (let field = 0; field < count; field++) {
      if (position + 5 > this.end) throw malformed();
      const next = position + 4 + bytes.readUInt32BE(position);
      if (next > this.end || next < position + 5) throw malformed();
      const type = bytes[position + 4]!;
      if (type < FIELD_TYPES) {
        this.#starts[type] = position + 5;
        this.#ends[type] = next;
      }
      position = next;
    }
    return position;
  }

  has(type: number): boolean {
    return this.#starts[type] !== ABSENT;
  }

  /** The field's bytes as text, one character a byte; empty without the field. */
  text(type: number): string {
    const start = this.#starts[type]!;
    return start === ABSENT ? '' : this.bytes.toString('latin1', start, this.#ends[type]);
  }

  get filter(): Buffer | undefined {
    return this.field(FIELD.filter) ?? this.fallbackFilter;
  }

  /** The field's bytes, in place. */
  field(type: number): Buffer | undefined {
    const start = this.#starts[type]!;
    return start === ABSENT ? undefined : this.bytes.subarray(start, this.#ends[type]);
  }
}

const malformed = (): CommandError => new CommandError(RESULT.parameter, 'the lengths in the message do not add up');

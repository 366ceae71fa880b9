import { PARTICLE } from '../protocol/constants.ts';
import type { Particle } from '../storage/packed-bins.ts';
import { decode } from './decode.ts';
import type { Value } from './values.ts';
import { Bytes, Double, integerValue } from './values.ts';

/** The value of a bin. */
export function valueOf({ type, data }: Particle): Value {
  switch (type) {
    case PARTICLE.null:
      return null;
    case PARTICLE.integer:
      return integerValue(data.readBigInt64BE());
    case PARTICLE.double:
      return new Double(data.readDoubleBE());
    case PARTICLE.boolean:
      return data[0] !== 0;
    case PARTICLE.string:
      return data.toString('latin1');
    case PARTICLE.list:
    case PARTICLE.map:
      return decode(data);
    default:
      return new Bytes(type, data.toString('latin1'));
  }
}

import { CommandError, RESULT } from '../protocol/result-code.ts';
import { compare } from '../msgpack/compare.ts';
import type { MapEntry, MapOrder, Value } from '../msgpack/values.ts';
import { ListValue, MAP_ORDER, MapValue } from '../msgpack/values.ts';
import type { Elements, Selection } from './selection.ts';
import { byRank, inverted } from './selection.ts';

/** What an operation answers of the elements it has chosen. */
const RETURN = {
  none: 0,
  index: 1,
  reverseIndex: 2,
  rank: 3,
  reverseRank: 4,
  count: 5,
  key: 6,
  value: 7,
  keyValue: 8,
  exists: 13,
  unorderedMap: 16,
  orderedMap: 17,
} as const;

const INVERTED = 0x10000;

export const returnsRank = (returnType: number): boolean =>
  [RETURN.rank, RETURN.reverseRank].some((rank) => rank === (returnType & ~INVERTED));

/** The selection, or its opposite where the client asks for that. */
export const invertedIfAsked = (selection: Selection, returnType: number, length: number): Selection =>
  (returnType & INVERTED) === 0 ? selection : inverted(selection, length);

/** The answer of that type; undefined for none. */
export function answerOf(elements: Elements, selection: Selection, returnType: number): Value | undefined {
  const { indexes } = selection;
  const { values, keys } = elements;
  const last = values.length - 1;
  switch (returnType & ~INVERTED) {
    case RETURN.none:
      return undefined;
    case RETURN.count:
      return indexes.length;
    case RETURN.exists:
      return indexes.length > 0;
    case RETURN.index:
      return each(selection, (index) => index, -1);
    case RETURN.reverseIndex:
      return each(selection, (index) => last - index, -1);
    case RETURN.rank:
      return each(selection, rankOf(elements), -1);
    case RETURN.reverseRank: {
      const rank = rankOf(elements);
      return ascending(each(selection, (index) => last - rank(index), -1));
    }
    case RETURN.value:
      return each(selection, (index) => values[index]!, null);
    case RETURN.key:
      return each(selection, (index) => keyOf(keys, index), null);
    case RETURN.keyValue:
      return mapOf(elements, indexes, MAP_ORDER.asAnswered);
    case RETURN.unorderedMap:
      return mapOf(elements, indexes, MAP_ORDER.none);
    case RETURN.orderedMap:
      return mapOf(elements, indexes, MAP_ORDER.key);
    default:
      throw new CommandError(RESULT.parameter, `${returnType} is no return type`);
  }
}

const ascending = (ranks: Value): Value =>
  ranks instanceof ListValue ? new ListValue(ranks.items.toSorted(compare)) : ranks;

function each({ indexes, single }: Selection, pick: (index: number) => Value, absent: Value): Value {
  if (single) return indexes.length === 0 ? absent : pick(indexes[0]!);
  return new ListValue(indexes.map(pick));
}

function rankOf(elements: Elements): (index: number) => number {
  const ranks = new Map(byRank(elements).map((index, rank) => [index, rank]));
  return (index) => ranks.get(index)!;
}

function keyOf(keys: readonly Value[] | undefined, index: number): Value {
  if (keys === undefined) throw new CommandError(RESULT.parameter, 'a list has no keys to return');
  return keys[index]!;
}

function mapOf({ values, keys }: Elements, indexes: readonly number[], order: MapOrder): MapValue {
  const entries = indexes.map((index): MapEntry => [keyOf(keys, index), values[index]!]);
  return new MapValue(entries, order);
}

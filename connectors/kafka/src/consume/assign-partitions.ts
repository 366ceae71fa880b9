import type { GroupPartitionsAssigner } from '@platformatic/kafka';

/**
 * Deals the partitions of each topic out to the members that read it, in turn. The driver's own way deals those of the
 * leader's topic out to all members: where two topics share a group, most partitions of both would go to members that
 * do not read them.
 */
export const assignPartitions: GroupPartitionsAssigner = (_self, members, _topics, metadata) => {
  const all = Array.from(members.keys())
    .toSorted()
    .map((memberId) => ({ memberId, assignments: new Map<string, { topic: string; partitions: number[] }>() }));
  for (const [topic, { partitionsCount }] of metadata.topics) {
    const readers = all.filter(({ memberId }) => members.get(memberId)?.topics?.includes(topic));
    for (const { assignments } of readers) assignments.set(topic, { topic, partitions: [] });
    for (let partition = 0; partition < partitionsCount && readers.length > 0; partition++) {
      readers[partition % readers.length]!.assignments.get(topic)!.partitions.push(partition);
    }
  }
  return all;
};

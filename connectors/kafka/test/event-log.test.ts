import { openEventLog } from '@millrace/core';
import { bothEnds, describeEventLog, SUITE_PARTITIONS } from '@millrace/testkit';

import { describeOnKafka, newTopic, useKafka } from './fixture.ts';

const kafka = useKafka();

describeOnKafka('on a real broker', () => {
  describeEventLog('kafka', {
    async open() {
      const url = `${kafka().url}/${newTopic()}`;
      let log = await openEventLog(url, { partitions: SUITE_PARTITIONS });
      return {
        ...bothEnds(log),
        async reopen() {
          await log.close();
          log = await openEventLog(url, { partitions: SUITE_PARTITIONS });
          return bothEnds(log);
        },
        close: () => log.close(),
      };
    },
    skip: {
      'serves several groups, each with one consumer at a time':
        'consumers of a Kafka group share its partitions, see the test of it',
    },
  });
});

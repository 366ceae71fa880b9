import type { KafkaOptions } from '@millrace/testkit';

/** A broker with both compilers of Java, as it would run: the quick one of the tests never gets fast. */
export const MEASURED_BROKER: KafkaOptions = { jvmOptions: ['-Xmx1g', '-XX:TieredStopAtLevel=4'] };

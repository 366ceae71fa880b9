/** Schemes of other systems that Millrace knows the name of and brings no connector for. */
export const FOREIGN_SCHEMES: readonly string[] = [
  'activemq',
  'azureblob',
  'eventhubs',
  'gcs',
  'grpc',
  'kinesis',
  'lmdb',
  'rabbitmq',
  's3',
  'servicebus',
  'sns',
  'sql',
  'sqs',
  'tibcoems',
  'websphere',
];

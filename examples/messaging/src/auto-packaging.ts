// For handlers that want objects only: what is none is wrapped into one.
import { openPublisher, openSubscriber, smartDeserialize } from '@millrace/core';

const subscriber = await openSubscriber('memory://queue/anything', {
  auto_package_non_dict: true,
  package_wrapper_key: 'content',
  add_package_metadata: false,
});
const publisher = await openPublisher('memory://queue/anything');
for (const value of [{ total: 12 }, 'hello']) await publisher.publish({ value });
await publisher.close();
console.log((await subscriber.next())?.value);
console.log((await subscriber.next())?.value);
await subscriber.close();
console.log(smartDeserialize('[1,2]'));

// Prints:
// { total: 12 }
// {
//   content: 'hello',
//   _packaged: true,
//   _original_type: 'str',
//   _dag_priority: 5
// }
// { _raw_data: [ 1, 2 ], _raw_type: 'list', _auto_packaged: true }

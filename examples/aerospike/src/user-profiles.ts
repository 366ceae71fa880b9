import { openPublisher } from '@millrace/core';

import { type Example, runIfMain } from './example.ts';

/** Stores the profile of a user, with a map inside. */
export const userProfiles: Example = async ({ urlOf, print }) => {
  const publisher = await openPublisher(urlOf('users', 'profiles'), { name: 'user_profiles' });
  await publisher.publish({
    value: {
      __dagserver_key: 'user_12345',
      username: 'john_doe',
      email: 'john@example.com',
      age: 30,
      preferences: { theme: 'dark', notifications: true, language: 'en' },
      created_at: new Date().toISOString(),
    },
  });
  await publisher.close();
  print('User profile stored');
};

await runIfMain(import.meta.main, userProfiles);

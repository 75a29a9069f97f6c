import { randomUUID } from 'node:crypto';
import { IAMClient, ListAccessKeysCommand, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import type { Target } from '../../engine/remediation.ts';
import { targetOf } from '../../engine/targets.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import type { Account } from '../../local/specimen.ts';
import { each } from './bench.ts';

/** Many users with one active access key, which is old. */
export class OldAccessKeys {
  readonly targets: Target[] = [];
  readonly #keys = new Map<string, string>();
  readonly #account: Account;
  readonly #iam: IAMClient;

  constructor(account: Account) {
    this.#account = account;
    this.#iam = new IAMClient(account.client);
  }

  async make(count: number): Promise<void> {
    await each([...Array(count).keys()], async () => {
      const name = `clerk-${randomUUID().slice(0, 8)}`;
      await createUser(this.#account, name);
      this.#keys.set(name, await createAccessKey(this.#account, name, { created: 400, used: 30 }));
      const place = { account: this.#account.id, region: this.#account.region, partition: 'aws' };
      const target = targetOf('AWS::IAM::User', place, name);
      if (target) this.targets.push(target);
    });
  }

  /** Makes all keys active again. */
  async expose(): Promise<void> {
    await each([...this.#keys], ([UserName, AccessKeyId]) =>
      this.#iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Active' })),
    );
  }

  /** How many of the keys an independent read finds inactive. */
  async closed(): Promise<number> {
    let closed = 0;
    await each([...this.#keys.keys()], async (UserName) => {
      const { AccessKeyMetadata: keys } = await this.#iam.send(new ListAccessKeysCommand({ UserName }));
      if (keys?.every(({ Status }) => Status === 'Inactive')) closed += 1;
    });
    return closed;
  }
}

import { DescribeSnapshotAttributeCommand, EC2Client } from '@aws-sdk/client-ec2';
import type { Target } from '../../engine/remediation.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import type { Account } from '../../local/specimen.ts';
import { each } from './bench.ts';

/** Many EBS snapshots that everybody may make volumes of. */
export class PublicSnapshots {
  readonly targets: Target[] = [];
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** Makes so many, all public. */
  async make(count: number): Promise<void> {
    await each([...Array(count).keys()], async () => {
      this.targets.push(await shareEbsSnapshot(this.#account, ['all']));
    });
  }

  /** Makes all of them public again. */
  async expose(): Promise<void> {
    await each(this.targets, ({ id }) => allowEbsSnapshot(this.#account, id, ['all']));
  }

  /** How many of them an independent read finds private. */
  async closed(): Promise<number> {
    const ec2 = new EC2Client(this.#account.client);
    let closed = 0;
    await each(this.targets, async ({ id }) => {
      const { CreateVolumePermissions: permissions } = await ec2.send(
        new DescribeSnapshotAttributeCommand({ SnapshotId: id, Attribute: 'createVolumePermission' }),
      );
      if (permissions?.length === 0) closed += 1;
    });
    return closed;
  }
}

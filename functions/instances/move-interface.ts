import { type EC2Client, ModifyNetworkInterfaceAttributeCommand } from '@aws-sdk/client-ec2';
import { TransientError } from '../../engine/errors.ts';
import { FLUSH, QUARANTINE } from '../../engine/own-groups.ts';
import { equal } from '../../engine/state.ts';
import { type IsolationGroups, isOurs } from './isolation-groups.ts';
import { BOTH_GROUPS, inQuarantine, type Swap } from './isolation-state.ts';

/**
 * Gives one interface other security groups; into quarantine by way of the flush group, and without a pause in between. Per
 * interface, since ModifyInstanceAttribute is refused where an instance has several.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html
 */
export async function moveInterface(
  ec2: EC2Client,
  { interface: id, from, to }: Swap,
  groups: IsolationGroups,
): Promise<void> {
  const put = async (names: readonly string[]): Promise<void> => {
    const Groups = await groups.idsOf(names);
    await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: id, Groups })).catch((error) => {
      // Nothing used it when the sweep had it deleted. The next run makes another.
      if (error.name === 'InvalidGroup.NotFound' && names.every(isOurs)) throw new TransientError(error.message);
      throw error;
    });
  };
  if (!inQuarantine(to)) return put(to);

  // Nothing must be left to find or to make while the interface is open.
  await groups.idsOf(BOTH_GROUPS);
  try {
    if (!equal(from, [FLUSH])) await put([FLUSH]);
    await put([QUARANTINE]);
  } catch (error) {
    // As it was is better than open to everybody. Where that fails too, the next run goes on from the flush group.
    if (!from.includes(FLUSH)) await put(from).catch(() => undefined);
    throw error;
  }
}

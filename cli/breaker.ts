import { ACCOUNT_ID } from '../engine/arn.ts';
import { identify } from './caller.ts';
import { UsageError } from './failure.ts';
import { askDoor } from './orders.ts';
import type { Io } from './terminal.ts';

export interface BreakerOptions {
  readonly account: string;
  readonly region?: string;
  readonly json?: boolean;
}

/** `firebreak breaker close <remediation> --account <id>`: what the breaker deferred is tried again. */
export async function closeBreaker(remediation: string, { account, region, json }: BreakerOptions, { out }: Io) {
  const [, worker, name] = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)$/.exec(remediation) ?? [];
  if (!worker || !name) throw new UsageError(`${remediation} is no remediation: firebreak catalogue lists them`);
  if (!ACCOUNT_ID.test(account)) throw new UsageError(`${account} is not a twelve-digit account id`);
  const closed = await askDoor(await identify(region), `/breakers/${worker}/${name}/${account}/close`, {});
  if (json) out.json(closed);
  else out.line(['green', 'closed'], `  ${remediation} in account ${account}  by ${closed.by}`);
  return 0;
}

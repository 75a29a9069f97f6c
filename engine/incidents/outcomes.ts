import type { Outcome } from '../response.ts';

/**
 * What an outcome does to incidents. `opens`: it is part of one, which is opened for it where there is none. `opens from`: so only
 * from the severity `incidents.verifiedFrom` of the policy on. `joins`: it is told in one that is there. `nothing`: in none.
 */
export interface Recording {
  readonly does: 'opens' | 'opens from' | 'joins' | 'nothing';
  readonly because: string;
}

const opens = (because: string): Recording => ({ does: 'opens', because });
const joins = (because: string): Recording => ({ does: 'joins', because });
const nothing = (because: string): Recording => ({ does: 'nothing', because });

/** Every outcome: what needs a person is an incident, and what is settled belongs to one at most. */
export const RECORDED: Readonly<Record<Outcome, Recording>> = {
  failed: opens('the exposure may be open, or half closed'),
  unverified: opens('it was changed, and it does not read back so'),
  refused: opens('Firebreak does not act on it, so a person has to'),
  'awaiting-approval': opens('it goes on only when somebody says so'),
  'changed-since': opens('only a person knows which change shall stay'),
  expired: opens('nobody answered, and the exposure is open'),
  verified: { does: 'opens from', because: 'it is fixed, and a person should ask how it came about' },
  compliant: joins('there was nothing to change'),
  excepted: joins('the policy, or a hold, says why it stays'),
  gone: joins('there is no resource any more'),
  denied: joins('a person decided so'),
  undone: joins('a person took it back'),
  deferred: joins('it is tried again by itself'),
  observed: nothing('the policy asks for plans alone'),
  simulated: nothing('the finding was a sample, and tells of nothing that happened'),
};

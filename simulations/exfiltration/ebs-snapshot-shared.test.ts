import { scenarioContract } from '../../local/scenario-contract.ts';
import ebsSnapshotShared from './ebs-snapshot-shared.ts';

scenarioContract(ebsSnapshotShared);

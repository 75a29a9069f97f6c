import { scenarioContract } from '../../local/scenario-contract.ts';
import accessKeyPastItsAge from './access-key-past-its-age.ts';

scenarioContract(accessKeyPastItsAge);

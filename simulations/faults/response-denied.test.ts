import { scenarioContract } from '../../local/scenario-contract.ts';
import responseDenied from './response-denied.ts';

scenarioContract(responseDenied);

import { GraphBuilder } from "./graph-builder.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { mobilenetV3Small } from "./mobilenet-v3-small.ts";
import { onnxFile } from "./onnx-file.ts";
import { resnet50 } from "./resnet50.ts";
import { Weights } from "./weights.ts";

export const CLASSES = 1000;
const SEED = 20_261_121;

const MAKERS = {
  mobilenet_v3_small: mobilenetV3Small,
  mobilenet_v2: mobilenetV2,
  resnet50: resnet50,
};
export type NetworkName = keyof typeof MAKERS;
export const NETWORK_NAMES = Object.keys(MAKERS) as NetworkName[];

/** SHA-256 of each file: whoever measures a network knows that it is the one that others measured. */
export const NETWORK_DIGESTS: Record<NetworkName, string> = {
  mobilenet_v3_small: "39c75927d258145ae126533afd80c65159f4366aabc30aca49960e049a56fe5e",
  mobilenet_v2: "b31618fededdf9800a60b049a4f61dc7228053d51f941d61d657eb05ebfac479",
  resnet50: "84527c39b65e9341e0f8b870b100a3142ebc45fd4b07d30e5705812ea4d1441a",
};

/** One of torchvision's networks with random weights: as slow as the real one, and as wrong as a die. */
export interface Network {
  name: NetworkName;
  /** The ONNX file. */
  file: Uint8Array;
  /** As torchvision counts them, batch norms included. */
  parameters: number;
}

export function buildNetwork(name: NetworkName): Network {
  const builder = new GraphBuilder(new Weights(SEED));
  const logits = MAKERS[name](builder, CLASSES);
  return { name, file: onnxFile(builder.graph(name, logits)), parameters: builder.parameters };
}

import { GraphBuilder } from "./graph-builder.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { mobilenetV3Small } from "./mobilenet-v3-small.ts";
import { onnxFile } from "./onnx-file.ts";
import { resnet50 } from "./resnet50.ts";
import { Weights } from "./weights.ts";

export const CLASSES = 1000;
const SEED = 20_261_121;

/** `side`: of the square photograph, in pixels. */
const NETWORKS = {
  mobilenet_v3_small: { make: mobilenetV3Small, side: 224 },
  mobilenet_v2: { make: mobilenetV2, side: 224 },
  resnet50: { make: resnet50, side: 224 },
  // So slow that ten times what it can do is still little work for who asks.
  resnet50_384: { make: resnet50, side: 384 },
};
export type NetworkName = keyof typeof NETWORKS;
export const NETWORK_NAMES = Object.keys(NETWORKS) as NetworkName[];

/** Pixels of the side of the square photograph that it takes. */
export const sideOf = (name: NetworkName): number => NETWORKS[name].side;

/** SHA-256 of each file: whoever measures a network knows that it is the one that others measured. */
export const NETWORK_DIGESTS: Record<NetworkName, string> = {
  mobilenet_v3_small: "39c75927d258145ae126533afd80c65159f4366aabc30aca49960e049a56fe5e",
  mobilenet_v2: "b31618fededdf9800a60b049a4f61dc7228053d51f941d61d657eb05ebfac479",
  resnet50: "84527c39b65e9341e0f8b870b100a3142ebc45fd4b07d30e5705812ea4d1441a",
  resnet50_384: "cba9a584284dbfcb39a6620b6c1ff1d3ab6ce0aa9709ab201f387e27b99c24d2",
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
  const { make, side } = NETWORKS[name];
  const logits = make(builder, CLASSES);
  return { name, file: onnxFile(builder.graph(name, logits, side)), parameters: builder.parameters };
}

// Compiles the contract by its committed settings: node compile.cjs SOURCE > compiled.json
const fs = require("fs");
const solc = require("solc");
const input = {
  language: "Solidity",
  sources: { "XinqiaoAnchor.sol": { content: fs.readFileSync(process.argv[2], "utf8") } },
  settings: {
    evmVersion: "london",
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
if (output.errors) { console.error(JSON.stringify(output.errors)); process.exit(1); }
const made = output.contracts["XinqiaoAnchor.sol"].XinqiaoAnchor;
console.log(JSON.stringify({ compiler: solc.version(), evmVersion: input.settings.evmVersion, abi: made.abi, bytecode: "0x" + made.evm.bytecode.object }, null, 1));

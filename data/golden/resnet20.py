#!/usr/bin/env python3
"""ResNet-20 in PyTorch under the names of evograd's weights, both ways. Needs torch, numpy and safetensors.

    resnet20.py make [WIDTH]            writes resnet20.safetensors, a network of random weights and statistics, and
                                        resnet20-logits.safetensors, images with the logits it gives them, beside this file
    resnet20.py check MODEL LOGITS      loads a model.safetensors that evograd saved, and compares the logits that evograd
                                        gave (tensors `images` and `logits`); exit code 1 where they differ by over 1e-4

The files in the repository came of `make 0.25` with PyTorch 2.15.
"""
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride != 1 or cin != cout:
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        f = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(f + (x if self.downsample is None else self.downsample(x)))


class ResNet20(nn.Module):
    def __init__(self, channels, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        cin = channels[0]
        for stage, cout in enumerate(channels):
            blocks = []
            for block in range(3):
                blocks.append(Block(cin, cout, 2 if stage > 0 and block == 0 else 1))
                cin = cout
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(cin, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


def make(width):
    torch.manual_seed(20)
    net = ResNet20([max(1, round(c * width)) for c in (16, 32, 64)])
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                nn.init.normal_(tensor, 0.0, 0.2)
    net.eval()
    images = torch.randn(4, 3, 32, 32)
    folder = os.path.dirname(os.path.abspath(__file__))
    save_file(net.state_dict(), os.path.join(folder, "resnet20.safetensors"))
    with torch.no_grad():
        answers = {"images": images, "logits": net(images)}
    save_file(answers, os.path.join(folder, "resnet20-logits.safetensors"))


def check(model, logits):
    state, answers = load_file(model), load_file(logits)
    channels = [state[f"layer{stage}.0.conv1.weight"].shape[0] for stage in (1, 2, 3)]
    net = ResNet20(channels, state["fc.weight"].shape[0])
    net.load_state_dict(state, strict=True)
    net.eval()
    with torch.no_grad():
        worst = (net(answers["images"]) - answers["logits"]).abs().max().item()
    print(f"{len(state)} tensors, largest difference of {answers['logits'].numel()} logits: {worst:.2e}")
    return 0 if worst <= 1e-4 else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", *width]:
            make(float(width[0]) if width else 1.0)
        case ["check", model, logits]:
            sys.exit(check(model, logits))
        case _:
            sys.exit(__doc__)

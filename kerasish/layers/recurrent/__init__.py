"""Recurrent layers, and layers applied along time."""

from kerasish.layers.recurrent.bidirectional import Bidirectional
from kerasish.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from kerasish.layers.recurrent.gru import GRU, GRUCell
from kerasish.layers.recurrent.lstm import LSTM, LSTMCell
from kerasish.layers.recurrent.rnn import RNN
from kerasish.layers.recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from kerasish.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from kerasish.layers.recurrent.time_distributed import TimeDistributed

__all__ = ["GRU", "LSTM", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRUCell", "LSTMCell",
           "SimpleRNN", "SimpleRNNCell", "StackedRNNCells", "TimeDistributed"]

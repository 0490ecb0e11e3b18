"""Makes `data/events.tfevents` with the package tensorboard: four events as its own writer frames them."""

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

PLUGIN = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
HISTOGRAM = HistogramProto(min=1, max=4, num=3, sum=7, sum_squares=21, bucket_limit=[2, 3, 4], bucket=[1, 1, 1])
VALUES = [
    (300, Summary.Value(tag="epoch_loss", simple_value=0.25)),
    (2, Summary.Value(tag="w", histo=HISTOGRAM)),
    (
        0,
        Summary.Value(
            tag="keras",
            metadata=SummaryMetadata(plugin_data=PLUGIN),
            tensor=TensorProto(dtype="DT_STRING", tensor_shape=TensorShapeProto(), string_val=[b"{}"]),
        ),
    ),
]

with open(Path(__file__).parent / "data/events.tfevents", "wb") as file:
    writer = RecordWriter(file)
    writer.write(Event(wall_time=1.5, file_version="brain.Event:2").SerializeToString())
    for step, value in VALUES:
        writer.write(Event(wall_time=1.5, step=step, summary=Summary(value=[value])).SerializeToString())
    writer.close()
